// Shows rows in a terminal and as the tables of docs/benchmarks.md.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, cpus, platform, release, totalmem } from 'node:os';
import { svg } from './plot.mjs';

const DOCS = new URL('../docs/', import.meta.url);
const PEERS = [
  'koa',
  'koa-session',
  '@nestjs/core',
  'fastify',
  '@fastify/secure-session',
  '@fastify/session',
  'express',
  'express-session',
  'redis',
];

const digits = (value) => (Number.isInteger(value) ? String(value) : value.toFixed(2));

function verdict({ value, atMost }) {
  if (atMost === undefined) return '';
  return value <= atMost ? 'reached' : 'falls short';
}

function spread({ value, low, high }) {
  return low === value && high === value ? '' : `${digits(low)} to ${digits(high)}`;
}

/** One row, on one line of a terminal. */
export function line(row) {
  if (row.skipped !== undefined) return `${row.what}: skipped, ${row.skipped}`;
  const target = row.atMost === undefined ? '' : `at most ${digits(row.atMost)}`;
  return [
    row.what.padEnd(84),
    `${digits(row.value)}${row.unit}`.padStart(7),
    spread(row).padStart(14),
    target.padStart(13),
    verdict(row).padEnd(11),
    row.detail,
  ].join('  ');
}

export function machine() {
  const [cpu] = cpus();
  return {
    cpu: `${cpu?.model ?? 'unknown'}, ${cpus().length} cores`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GB`,
    system: `${platform()} ${release().split('-')[0]} ${arch()}`,
    node: process.version,
    peers: Object.fromEntries(PEERS.map((name) => [name, versionOf(name)])),
  };
}

function versionOf(name) {
  const { resolve } = createRequire(import.meta.url);
  for (const folder of resolve.paths(name)) {
    try {
      return JSON.parse(readFileSync(`${folder}/${name}/package.json`, 'utf8')).version;
    } catch {
      // It is in one of the folders further up.
    }
  }
  return 'none';
}

function table(rows) {
  const lines = rows.map((row) =>
    row.skipped !== undefined
      ? `| ${row.what} | skipped: ${row.skipped} | | | | |`
      : `| ${row.what} | ${digits(row.value)}${row.unit} | ${spread(row)} | ${row.atMost === undefined ? '' : digits(row.atMost)} | ${verdict(row)} | ${row.detail} |`,
  );
  return [
    '| what | median | quartiles | at most | | |',
    '| --- | ---: | ---: | ---: | --- | --- |',
    ...lines,
  ].join('\n');
}

/** Puts text between the marks `<!-- name -->` and `<!-- /name -->` of a document. */
export function fill(document, name, text) {
  const start = `<!-- ${name} -->`;
  const end = `<!-- /${name} -->`;
  const from = document.indexOf(start);
  const to = document.indexOf(end);
  if (from === -1 || to === -1) throw new Error(`docs/benchmarks.md has no marks for "${name}"`);
  return `${document.slice(0, from + start.length)}\n\n${text}\n\n${document.slice(to)}`;
}

/** Writes what one marked part of docs/benchmarks.md says. */
export function writePart(name, text) {
  const file = new URL('benchmarks.md', DOCS);
  writeFileSync(file, fill(readFileSync(file, 'utf8'), name, text));
}

/** Writes the figures into docs/benchmarks.md; its prose stays. */
export function writeReport(rows, plots) {
  const folder = new URL('benchmarks/', DOCS);
  mkdirSync(folder, { recursive: true });
  for (const plot of plots) writeFileSync(new URL(`${plot.name}.svg`, folder), svg(plot));
  const { cpu, memory, system, node, peers } = machine();
  const versions = Object.entries(peers).map(([name, version]) => `${name} ${version}`);
  writePart('machine', `${cpu}, ${memory}, ${system}, Node ${node}. ${versions.join(', ')}.`);
  writePart('table', table(rows));
}
