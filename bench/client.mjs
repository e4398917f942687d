// Load over keep-alive connections on raw sockets, so that the load costs less than what it loads.
import { connect } from 'node:net';

const HEAD_END = Buffer.from('\r\n\r\n');
/** As Koa and as Fastify spell it. */
const SET_COOKIE = ['\r\nSet-Cookie: ', '\r\nset-cookie: '].map((text) => Buffer.from(text));

/** Some connections to one server. */
export class Client {
  #connections = [];

  static async open(port, count) {
    const client = new Client();
    const opening = Array.from({ length: count }, () => Connection.open(port));
    client.#connections = await Promise.all(opening);
    return client;
  }

  /** One request: `{ status, cookies, body }`. */
  async get(path, cookie) {
    return parse(await this.#connections[0].send(requestFor(path, cookie)));
  }

  /** Signs in, as each of `users` if more than one; gives their `Cookie` headers. */
  async login(users = 1) {
    const headers = [];
    for (let i = 0; i < users; i++) {
      const { status, cookies } = await this.get('/login');
      if (status !== 200) throw new Error(`/login answered ${status}`);
      headers.push(cookies.join('; '));
    }
    return headers;
  }

  /**
   * `count` requests of one path, all connections at once, each waiting for its answer before it
   * sends the next, with the cookies that it was given last, as a browser would. Every answer must
   * be a 200.
   */
  async run(path, cookies, count) {
    const rest = stayAwake();
    let left = count;
    const requests = (cookies.length > 0 ? cookies : ['']).map((cookie) =>
      requestFor(path, cookie),
    );
    await Promise.all(
      this.#connections.map(async (connection, i) => {
        let request = requests[i % requests.length];
        while (left-- > 0) {
          const answer = await connection.send(request);
          if (answer.latin1Slice(9, 12) !== '200') {
            throw new Error(`${path} answered ${answer.latin1Slice(0, 200)}`);
          }
          if (SET_COOKIE.some((start) => answer.includes(start))) {
            request = requestFor(path, parse(answer).cookies.join('; '));
          }
        }
      }),
    ).finally(rest);
  }

  close() {
    for (const connection of this.#connections) connection.close();
  }
}

/**
 * Keeps this process from sleeping while it waits for answers. The kernel's work of waking it would
 * be counted as the server's, and the more of it, the slower the server is: against bare Koa, which
 * keeps its clients busy, that alone doubled what a session seemed to cost.
 *
 * @returns what lets it sleep again
 */
function stayAwake() {
  let isAwake = true;
  const turn = () => {
    if (isAwake) setImmediate(turn);
  };
  turn();
  return () => {
    isAwake = false;
  };
}

/** The bytes of a request; with a `form`, a POST of it. */
export function requestFor(path, cookie, form) {
  const lines = [`${form === undefined ? 'GET' : 'POST'} ${path} HTTP/1.1`, 'Host: localhost'];
  if (cookie) lines.push(`Cookie: ${cookie}`);
  if (form !== undefined) {
    lines.push('Content-Type: application/x-www-form-urlencoded', `Content-Length: ${form.length}`);
  }
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${form ?? ''}`);
}

/** What an answer says: `{ status, cookies, body }`. */
export function parse(answer) {
  const text = answer.latin1Slice();
  const at = text.indexOf('\r\n\r\n');
  const cookies = [...text.slice(0, at).matchAll(/^set-cookie: ([^;\r]*)/gim)];
  return {
    status: Number(text.slice(9, 12)),
    cookies: cookies.map(([, pair]) => pair),
    body: text.slice(at + 4),
  };
}

/** One keep-alive connection, a request at a time; opened again where the server ended it. */
export class Connection {
  #port;
  #socket;
  #received = [];
  #waiting;

  static async open(port) {
    const connection = new Connection(port);
    await connection.#connect();
    return connection;
  }

  constructor(port) {
    this.#port = port;
  }

  #connect() {
    return new Promise((resolve, reject) => {
      const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true }, resolve);
      socket.on('data', (chunk) => this.#take(chunk));
      socket.on('error', (error) => {
        reject(error);
        this.#waiting?.reject(error);
      });
      socket.on('close', () => this.#waiting?.reject(new Error('the server hung up')));
      this.#socket = socket;
    });
  }

  async send(request) {
    if (this.#socket.destroyed || this.#socket.readableEnded) await this.#connect();
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.write(request);
    });
  }

  #take(chunk) {
    this.#received.push(chunk);
    const answer = this.#received.length === 1 ? chunk : Buffer.concat(this.#received);
    const head = answer.indexOf(HEAD_END);
    if (head === -1) return;
    const length = /content-length: (\d+)/i.exec(answer.latin1Slice(0, head));
    if (length === null) {
      throw new Error(`an answer without a length: ${answer.latin1Slice(0, head)}`);
    }
    if (answer.length < head + HEAD_END.length + Number(length[1])) return;
    this.#received = [];
    const { resolve } = this.#waiting;
    this.#waiting = undefined;
    resolve(answer);
  }

  close() {
    this.#socket.destroy();
  }
}
