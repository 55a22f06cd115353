import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { compiledFiles, sourceOf } from '../support/compiled.js';

describe('Dockerfile', () => {
  const text = readFileSync(new URL('../../Dockerfile', import.meta.url), 'utf8');

  it('runs a worker that exists, and not as root', () => {
    const command = /^CMD (\[.*\])$/m.exec(text)?.[1] ?? '';
    expect(compiledFiles(command).map(sourceOf)).toEqual(['worker/main.ts']);
    expect(existsSync(new URL('../../worker/main.ts', import.meta.url))).toBe(true);
    expect(/^USER (\w+)$/m.exec(text)?.[1]).toBe('node');
  });

  it('takes only files that the build context holds', () => {
    const ignored = readFileSync(new URL('../../.dockerignore', import.meta.url), 'utf8').split('\n');
    const copied = [...text.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, files = '']) =>
      files.split(' '),
    );
    expect(copied).toContain('package-lock.json');
    for (const file of copied) {
      expect(existsSync(new URL(`../../${file}`, import.meta.url)), file).toBe(true);
      expect(ignored, file).not.toContain(file);
    }
  });

  it('asks the health endpoint with a program that works', async () => {
    const server = createServer((request, answer) =>
      answer.writeHead(request.url === '/healthz' ? 200 : 404).end(),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? String(address.port) : '';
    const [, check = ''] = /^ {2}CMD (\[.*\])$/m.exec(text) ?? [];
    const [command = '', ...args] = z.array(z.string()).parse(JSON.parse(check));
    const ask = (SYNC_HEALTH_PORT: string) =>
      new Promise((resolve) =>
        spawn(command, args, { env: { ...process.env, SYNC_HEALTH_PORT } }).once('exit', resolve),
      );

    expect(await ask(port)).toBe(0);
    server.close();
    expect(await ask(port)).toBe(1);
  });
});
