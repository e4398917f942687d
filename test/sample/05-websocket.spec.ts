import { once } from 'node:events';
import { WebSocket } from 'ws';
import { Browser } from '../support/browser.js';
import { type RunningSample, startSample } from '../support/sample.js';

interface Message {
  event: string;
  data: Record<string, unknown>;
}

describe('sample 05-websocket', () => {
  const sockets: WebSocket[] = [];
  let sample: RunningSample;

  beforeAll(async () => {
    sample = await startSample('05-websocket');
  }, 120_000);

  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.terminate();
  });

  afterAll(() => sample?.stop());

  const form = (fields: Record<string, string>) => ({
    method: 'POST',
    body: new URLSearchParams(fields),
  });

  async function join(name: string) {
    const browser = new Browser(sample.url);
    await browser.fetch('/name', form({ name }));
    return { browser, socket: await connect(await browser.jar.getCookieString(sample.url)) };
  }

  async function connect(cookie: string): Promise<WebSocket> {
    const socket = new WebSocket(`${sample.url.replace('http', 'ws')}/chat`, {
      headers: { cookie },
    });
    sockets.push(socket);
    await once(socket, 'open');
    return socket;
  }

  const say = (socket: WebSocket, text: string) =>
    socket.send(JSON.stringify({ event: 'say', data: text }));

  async function next(socket: WebSocket): Promise<Message> {
    const [message] = (await once(socket, 'message')) as [Buffer];
    return JSON.parse(message.toString()) as Message;
  }

  it('says under the name of the session, to all', async () => {
    const ann = await join('ann');
    const bob = await join('bob');
    const heard = [next(ann.socket), next(bob.socket)];
    say(ann.socket, 'hello');
    const said = { event: 'said', data: { name: 'ann', text: 'hello' } };
    expect(await Promise.all(heard)).toEqual([said, said]);
  });

  it('writes what a message changes, for the next page', async () => {
    const { browser, socket } = await join('<ann>');
    for (const text of ['one', 'two']) {
      const heard = next(socket);
      say(socket, text);
      await heard;
    }
    const page = await browser.text('/');
    expect(page).toContain('&lt;ann>');
    expect(page).toContain('<b id="sent">2</b>');
  });

  it('refuses who has no name, and who has left meanwhile', async () => {
    const refused = {
      event: 'exception',
      data: expect.objectContaining({ statusCode: 401 }) as object,
    };
    const stranger = await connect('');
    const heard = next(stranger);
    say(stranger, 'hello');
    expect(await heard).toEqual(refused);

    const { browser, socket } = await join('ann');
    await browser.fetch('/leave', { method: 'POST' });
    const answer = next(socket);
    say(socket, 'still here?');
    expect(await answer).toEqual(refused);
  });
});
