import { afterAll, beforeAll, beforeEach } from 'vitest';

import type { Dynamics } from '../../dynamics/index.js';
import { type FakeDataverse, startFakeDataverse } from './fake-dataverse.js';

export interface Scene {
  readonly fake: FakeDataverse;
  readonly dynamics: Dynamics;
}

/** One fake Dataverse for a file; each test gets a connection of its own, and what was heard before is forgotten. */
export function scene(): Scene {
  let fake: FakeDataverse | undefined;
  let dynamics: Dynamics | undefined;
  beforeAll(async () => {
    fake = await startFakeDataverse();
  });
  beforeEach(() => {
    fake?.heard.splice(0);
    dynamics = fake?.connect();
  });
  afterAll(() => fake?.close());
  const there = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error('the scene is set when tests run, not before');
    return value;
  };
  return {
    get fake() {
      return there(fake);
    },
    get dynamics() {
      return there(dynamics);
    },
  };
}
