// A measurement inside a process of its own: `node workers/main.mjs <name> <settings as JSON>`.
const [, , name, settings] = process.argv;
const { default: measure } = await import(`./${name}.mjs`);
const result = await measure(JSON.parse(settings), (done, all) => process.send({ done, all }));
process.send({ result: result ?? null }, () => process.exit());
