#!/usr/bin/env node
import { text } from 'node:stream/consumers';
import { runCommandLine } from './command-line.js';

process.exitCode = await runCommandLine(
  process.argv.slice(2),
  {
    env: process.env,
    print: (line) => process.stdout.write(`${line}\n`),
    read: () => text(process.stdin),
    now: Date.now,
  },
  (line) => process.stderr.write(`${line}\n`),
);
