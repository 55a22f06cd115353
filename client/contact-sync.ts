#!/usr/bin/env node
import pc from 'picocolors';
import { loadDotenv } from '../config/environment.js';
import { run } from './run.js';

loadDotenv();
const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  // The first one ends the command in order; a second one ends the process.
  process.once(name, () => stop.abort(new Error('interrupted')));
}
for (const stream of [process.stdout, process.stderr]) {
  // Whoever reads our output may have seen enough (| head); the command itself goes on.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}
process.exitCode = await run(process.argv.slice(2), process.env, {
  out: (text) => void process.stdout.write(`${text}\n`),
  err: (text) => void process.stderr.write(`${text}\n`),
  color: pc.isColorSupported,
  signal: stop.signal,
});
