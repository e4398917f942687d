/* eslint-disable @typescript-eslint/no-require-imports -- CommonJS is what is tried here */
const probe = require('./probe.cjs');

probe(async (name) => require(name)).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
