// Paired runs over HTTP. Every contestant is a server in its own process; in each round each of
// them answers the same number of requests, in turn, and what is compared is the CPU time of the
// server's process within that round. So whatever else the machine does meets all of them alike.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Client } from './client.mjs';
import { tellsOf } from './data.mjs';
import { inTurn } from './turns.mjs';

const SERVER = fileURLToPath(new URL('server.mjs', import.meta.url));

function hasSession(name) {
  return name.includes(',') && !name.endsWith('routes');
}

export class Contestant {
  cookies = [];

  static async start(name, { connections, users, flags = [] }) {
    const child = fork(SERVER, [name], {
      execArgv: flags,
      env: { ...process.env, NODE_ENV: 'production' },
    });
    const [{ port }] = await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(([code]) => {
        throw new Error(`the server "${name}" ended with ${code}`);
      }),
    ]);
    const contestant = new Contestant(child, await Client.open(port, connections));
    if (hasSession(name)) contestant.cookies = await contestant.client.login(users);
    return contestant;
  }

  constructor(child, client) {
    this.child = child;
    this.client = client;
  }

  async usage() {
    const answer = once(this.child, 'message');
    this.child.send('usage');
    const [usage] = await answer;
    return usage;
  }

  /** CPU microseconds per request, of clients with these cookies. */
  async measure(path, requests, cookies = this.cookies) {
    const before = await this.usage();
    await this.client.run(path, cookies, requests);
    const after = await this.usage();
    return (after.micros - before.micros) / requests;
  }

  async stop() {
    this.client.close();
    const gone = once(this.child, 'exit');
    this.child.disconnect();
    await gone;
  }
}

/** A wrong server would be fast: each shows first that it answers as it must. */
async function check({ client, cookies }, { server, path }) {
  const { status, body } = await client.get(path, cookies[0]);
  const isRight = status === 200 && tellsOf(body, path === '/change');
  if (!isRight) throw new Error(`"${server}" answered ${path} with ${status} ${body}`);
}

/**
 * Measures scenarios against each other.
 *
 * @param scenarios `{ name, server, path }` each; `visitorsOf` names the server whose cookies the
 * clients send instead, for a server that ignores them
 * @returns for each scenario's name its CPU microseconds per request, one figure a round
 */
export async function contest(scenarios, settings, progress) {
  const { launches, rounds, requests, warmUp, connections = 32, users = connections } = settings;
  const samples = Object.fromEntries(scenarios.map(({ name }) => [name, []]));
  for (let launch = 0; launch < launches; launch++) {
    const servers = new Map();
    try {
      for (const { server } of scenarios) {
        if (!servers.has(server)) {
          servers.set(server, await Contestant.start(server, { connections, users }));
        }
      }
      for (const scenario of scenarios) {
        const contestant = servers.get(scenario.server);
        await check(contestant, scenario);
        const { cookies } = servers.get(scenario.visitorsOf) ?? {};
        // V8 compiles what runs often, and takes its time.
        await contestant.measure(scenario.path, warmUp, cookies);
      }
      for (let round = 0; round < rounds; round++) {
        const done = launch * rounds + round;
        progress(done, launches * rounds);
        for (const { name, server, path, visitorsOf } of inTurn(scenarios, done)) {
          const { cookies } = servers.get(visitorsOf) ?? {};
          samples[name].push(await servers.get(server).measure(path, requests, cookies));
        }
      }
    } finally {
      await Promise.all([...servers.values()].map((server) => server.stop()));
    }
  }
  return samples;
}
