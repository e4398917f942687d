// A contestant in a process of its own: `node server.mjs <name>`. It tells its port, and on request
// the CPU time it has used so far.
const [, , name] = process.argv;
const server = await serve(name);
const { port } = server.address();
// A contestant waits for its turn longer than an idle client may.
server.keepAliveTimeout = 0;
server.headersTimeout = 0;
server.requestTimeout = 0;

process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send({ micros: user + system, rss: process.memoryUsage.rss() });
});
process.on('disconnect', () => process.exit());
process.send({ port });

async function serve(wanted) {
  const routes = /^Nest on (\w+), (\d+) routes$/.exec(wanted);
  if (routes !== null) {
    const { nestWithRoutes } = await import('./apps/nest.mjs');
    return listenNest(await nestWithRoutes(routes[1], Number(routes[2])));
  }
  if (wanted.startsWith('Nest')) {
    const { nestApps } = await import('./apps/nest.mjs');
    return listenNest(await nestApps[wanted]());
  }
  const { koaApps } = await import('./apps/koa.mjs');
  const listening = koaApps[wanted]().listen(0, '127.0.0.1');
  await new Promise((resolve) => listening.once('listening', resolve));
  return listening;
}

async function listenNest(app) {
  await app.listen(0, '127.0.0.1');
  return app.getHttpServer();
}
