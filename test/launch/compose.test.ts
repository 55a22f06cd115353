import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { environmentSchema } from '../../config/environment-schema.js';
import { freePorts } from '../../launch/ports.js';
import { startRemotes } from '../../simulators/start.js';
import { compiledFiles, sourceOf } from '../support/compiled.js';

const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');

const compose: unknown = parse(read('docker-compose.yml'), { merge: true });
const Variables = z.record(z.string(), z.union([z.string(), z.number()]));
const Service = z.looseObject({
  image: z.string(),
  build: z.string().optional(),
  command: z.array(z.string()).optional(),
  depends_on: z.record(z.string(), z.unknown()).default({}),
  environment: Variables.default({}),
  configs: z.array(z.object({ source: z.string(), target: z.string() })).default([]),
  network_mode: z.string().optional(),
  profiles: z.array(z.string()).default([]),
  stop_grace_period: z.string().optional(),
  deploy: z.object({ replicas: z.number() }).optional(),
});
const { services, configs } = z
  .object({
    services: z.record(z.string(), Service),
    configs: z.record(z.string(), z.object({ content: z.string() })),
  })
  .parse(compose);
/** The services that run this repository's own image. */
const ours = Object.entries(services).filter(([, service]) => service.build !== undefined);
const named = (name: string) => {
  const service = services[name];
  if (service === undefined) throw new Error(`docker-compose.yml has no service ${name}`);
  return service;
};

describe('docker-compose.yml', () => {
  it('is what the compose specification says', () => {
    const schema = z
      .record(z.string(), z.unknown())
      .parse(JSON.parse(read('test/fixtures/compose-spec.json')));
    delete schema['$schema'];
    const validate = new Ajv({ strict: false, validateFormats: false, allErrors: true }).compile(schema);
    expect(validate({ services: { worker: { comand: 'x' } } })).toBe(false);
    validate(compose);
    expect(validate.errors).toBeNull();
  });

  it('waits only for services and uses only files that it declares', () => {
    for (const [name, service] of Object.entries(services)) {
      expect(Object.keys(services), name).toEqual(expect.arrayContaining(Object.keys(service.depends_on)));
      expect(Object.keys(configs), name).toEqual(
        expect.arrayContaining(service.configs.map(({ source }) => source)),
      );
      const host = /^service:(.+)$/.exec(service.network_mode ?? '')?.[1];
      if (host !== undefined) expect(services[host], name).toBeDefined();
    }
  });

  it('pins every image that is not our own', () => {
    const foreign = Object.values(services).filter((service) => service.build === undefined);
    for (const { image } of foreign) expect(image).toMatch(/:\d[\w.]*$/);
  });

  it.each(ours)('starts programs in %s that exist', (_, service) => {
    const programs = compiledFiles((service.command ?? []).join(' '));
    expect(programs).not.toEqual([]);
    for (const program of programs)
      expect(existsSync(new URL(`../../${sourceOf(program)}`, import.meta.url)), program).toBe(true);
  });

  it.each(ours)('sets no variable in %s that nobody reads', (_, service) => {
    const known = new Set(Object.keys(environmentSchema.shape));
    const unknown = Object.keys(service.environment).filter(
      (key) => !known.has(key) && !key.startsWith('TEMPORAL_'),
    );
    expect(unknown).toEqual([]);
  });

  it('runs two workers, with more time to stop than the 60 seconds that a worker takes at most', () => {
    expect(named('worker').deploy?.replicas).toBe(2);
    for (const name of ['worker', 'simulated-worker']) {
      expect(Number.parseInt(named(name).stop_grace_period ?? '', 10), name).toBeGreaterThan(60);
    }
  });

  it('starts the gateway only when asked, reachable from this machine alone', () => {
    expect(named('gateway')).toMatchObject({
      profiles: ['gateway'],
      ports: ['127.0.0.1:8090:8090'],
      environment: { GATEWAY_PORT: '8090' },
    });
    expect(Number.parseInt(named('gateway').stop_grace_period ?? '', 10)).toBeGreaterThan(20);
  });

  it('starts the simulators and what uses them only when asked, side by side on loopback', () => {
    for (const [name, { profiles }] of Object.entries(services)) {
      if (name !== 'gateway')
        expect(profiles, name).toEqual(name.startsWith('simulat') ? ['simulators'] : []);
    }
    expect(named('simulated-setup').network_mode).toBe('service:simulators');
    expect(named('simulated-worker').network_mode).toBe('service:simulators');
  });

  it('points the simulated worker at the simulators as they announce themselves', async () => {
    const [marketoPort = 0, dataversePort = 0] = await freePorts(2);
    const options = { people: 1, limits: 'off', seed: 'compose', tell: () => undefined } as const;
    const remotes = await startRemotes({ ...options, marketoPort, dataversePort });
    await remotes.close();

    const announced = JSON.stringify(remotes.environment)
      .replaceAll(`:${marketoPort}`, ':4010')
      .replaceAll(`:${dataversePort}`, ':4020');
    expect(named('simulated-worker').environment).toMatchObject(Variables.parse(JSON.parse(announced)));
  });

  it('brings shell that a POSIX shell can read', () => {
    const script = configs['temporal-schema']?.content.replaceAll('$$', '$') ?? '';
    expect(spawnSync('sh', ['-n'], { input: script, encoding: 'utf8' })).toMatchObject({
      status: 0,
      stderr: '',
    });
    expect(script).toContain('bring temporal_visibility visibility');
  });
});
