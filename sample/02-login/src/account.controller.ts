import { Controller, Get, Header, Req, UseFilters, UseGuards } from '@nestjs/common';
import { RequireSession, Session, SessionGuard } from 'nestjs-koa-session';
import { escape, page } from './page.js';
import { ToLoginFilter } from './to-login.filter.js';
import type { User } from './users.service.js';

@Controller()
@UseFilters(ToLoginFilter)
@UseGuards(SessionGuard)
@RequireSession({ has: 'passport' })
export class AccountController {
  @Get()
  @Header('content-type', 'text/html; charset=utf-8')
  show(@Req() { user }: { user: User }, @Session() session: Session): string {
    session.visits = (session.visits ?? 0) + 1;
    return page(
      `Hello ${escape(user.name)}`,
      `<p>Visits since you logged in: <b id="visits">${session.visits}</b></p>
<form method="post" action="/logout"><button>Log out</button></form>`,
    );
  }
}
