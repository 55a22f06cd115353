// Preloaded into a child that has an IPC channel: when its parent is gone, it stops as if it were asked to.
import process from 'node:process';

const STOP_WITHIN_MS = 8_000;

process.once('disconnect', () => {
  setTimeout(() => process.exit(1), STOP_WITHIN_MS).unref();
  process.kill(process.pid, 'SIGTERM');
});
// Listening alone would keep the process alive when its work is done.
process.channel?.unref();
