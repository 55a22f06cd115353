import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { withLock } from '../../store/embedded-lock.js';

let folder = '';
let path = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contact-sync-lock-'));
  path = join(folder, 'lock');
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/** Above the highest pid that Linux hands out. */
const deadPid = 2 ** 22 + 1;

it('lets one in at a time, and everybody in the end', async () => {
  let inside = 0;
  const seen: number[] = [];
  const enter = () =>
    withLock(path, 30_000, async () => {
      inside += 1;
      await sleep(5);
      seen.push(inside);
      inside -= 1;
    });
  await Promise.all(Array.from({ length: 12 }, enter));
  expect(seen).toEqual(Array.from({ length: 12 }, () => 1));
  expect(await readdir(folder)).toEqual([]);
});

it('passes over a holder that was killed', async () => {
  await writeFile(`${path}.${deadPid}.${randomUUID()}`, '');
  await expect(withLock(path, 5_000, () => Promise.resolve('in'))).resolves.toBe('in');
});

it('passes over a ticket whose number belongs to another process since a restart of the machine', async () => {
  const ticket = `${path}.${process.ppid}.${randomUUID()}`;
  await writeFile(ticket, '');
  const aMinuteAgo = Date.now() / 1000 - 60;
  await utimes(ticket, aMinuteAgo, aMinuteAgo);
  await expect(withLock(path, 5_000, () => Promise.resolve('in'))).resolves.toBe('in');
});

it('gives up on a live holder after the time given', async () => {
  await withLock(path, 1_000, async () => {
    await expect(withLock(path, 300, () => Promise.resolve('in'))).rejects.toThrow(
      /locked by another process/,
    );
  });
});

it('is free again after work that failed', async () => {
  await expect(withLock(path, 1_000, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  await expect(withLock(path, 1_000, () => Promise.resolve('in'))).resolves.toBe('in');
});
