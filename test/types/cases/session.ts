// Every line below compiles, except where the comment above it says that it must not.
import './session-data.js';
import { Injectable, ParseIntPipe } from '@nestjs/common';
import type { Context } from 'koa';
import {
  Flash,
  type FlashMessages,
  OnSessionEvent,
  RequireNewSession,
  RequireSession,
  Session,
  type SessionEventPayload,
  type SessionKey,
  type SessionService,
} from '../../../src/index.js';

export function aSessionIsTyped(session: Session, ctx: Context): void {
  const name: string | undefined = session.user?.name;
  const visits: number | undefined = ctx.session.visits;
  const isNew: boolean = session.isNew;
  const maxAge: number | 'session' | undefined = session.maxAge;
  session.visits = 3;
  ctx.session = { visits: 1 };
  ctx.session = null;
  // @ts-expect-error a key of another type
  session.visits = 'three';
  // @ts-expect-error a key that the application has not merged in
  session.color = 'red';
  // @ts-expect-error data may be missing
  const certain: string = session.user.name;
  // @ts-expect-error what is no session
  ctx.session = 5;
  void [name, visits, isNew, maxAge, certain];
}

export class Parameters {
  whole(@Session() _session: Session): void {}
  key(@Session('user') _user: { id: string }): void {}
  piped(@Session('visits', ParseIntPipe) _visits: number): void {}
  pipe(@Session(new ParseIntPipe()) _session: unknown): void {}
  named(@Session({ name: 'admin', key: 'visits' }) _visits: number): void {}
  flash(@Flash({ name: 'admin' }) _flash: FlashMessages): void {}
  // @ts-expect-error an unknown key
  unknown(@Session('usr') _user: unknown): void {}
  // @ts-expect-error an unknown key of a named session
  unknownOfNamed(@Session({ name: 'admin', key: 'usr' }) _user: unknown): void {}
  // @ts-expect-error a class that is no pipe
  notAPipe(@Session('user', Date) _user: unknown): void {}
  // @ts-expect-error an unknown property
  notASelection(@Session({ nmae: 'admin' }) _session: unknown): void {}
}

export class Guarded {
  @RequireSession()
  some(): void {}

  @RequireSession({ has: 'user', externalKey: /^v2-/, maxAge: { atLeast: 1000 } })
  all(): void {}

  @RequireSession({ has: ['user', 'visits'], externalKey: (key, ctx) => key !== ctx.path })
  more(): void {}

  @RequireNewSession({ name: 'admin' })
  none(): void {}

  // @ts-expect-error an unknown key
  @RequireSession({ has: 'usr' })
  unknownKey(): void {}

  // @ts-expect-error a bare number says neither "at least" nor "at most"
  @RequireSession({ maxAge: 1000 })
  bareNumber(): void {}

  // @ts-expect-error `false` would require nothing
  @RequireSession({ externalKey: false })
  noKey(): void {}

  // @ts-expect-error that is what the decorator is for
  @RequireNewSession({ isNew: false })
  contradiction(): void {}
}

@RequireSession({ has: 'user' })
export class GuardedClass {}

@Injectable()
export class Listening {
  @OnSessionEvent('expired')
  expired({ key, ctx }: SessionEventPayload<'expired'>): void {
    void [key, ctx];
  }

  @OnSessionEvent('saved')
  saved(payload: { name: string; reason: string }): void {
    void payload;
  }

  @OnSessionEvent('failed')
  none(): void {}

  // @ts-expect-error an unknown event
  @OnSessionEvent('expred')
  unknownEvent(): void {}

  // @ts-expect-error a payload of another event
  @OnSessionEvent('saved')
  otherEvent(payload: SessionEventPayload<'merged'>): void {
    void payload;
  }
}

export async function theServiceIsTyped(sessions: SessionService): Promise<void> {
  await sessions.update((draft) => {
    draft.visits = (draft.visits ?? 0) + 1;
  });
  await sessions.update('id', () => ({ visits: 1 }));
  const data = await sessions.get('id');
  const visits: number | undefined = data?.visits;
  // @ts-expect-error a key of another type
  await sessions.update(() => ({ visits: 'one' }));
  // @ts-expect-error an unknown key
  void data?.color;
  void visits;
}

const key: SessionKey = 'visits';
// @ts-expect-error an unknown key
const other: SessionKey = 'color';
void [key, other];
