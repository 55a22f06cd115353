import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import type { Stopped } from '../../activities/contract.js';
import {
  decideStop,
  lastStop,
  openStop,
  type GuardDecision,
  type StopOutcome,
} from '../../store/guard-stops.js';
import type { Pair } from './pairs.js';
import { startWorld, type World } from './world.js';

export const PEOPLE = 20;

/** A few fields, and these thresholds of the guard. */
export const configOf = (guard: string) => `fields:
  - { marketo: lastName, lead: lastname, contact: lastname }
  - { marketo: email, lead: emailaddress1, contact: emailaddress1 }
  - { marketo: title, lead: jobtitle, contact: jobtitle }
  - { marketo: city, lead: address1_city }
guard: ${guard}
`;

/**
 * Makes a maker of pairs: twenty leads with their persons, at rest, under a guard that watches from five records on.
 * Each time they have a world of their own, which is handed to `keep`.
 */
export const guardedPairs =
  (keep: (world: World) => void) =>
  async (guard = '{ atLeast: 5 }'): Promise<Pair[]> => {
    const leads = Array.from({ length: PEOPLE }, (_, index) => ({
      leadid: randomUUID(),
      lastname: `Ruiz ${String(index)}`,
      jobtitle: `CTO ${String(index)}`,
      address1_city: `Oslo ${String(index)}`,
      emailaddress1: `${String(index)}@example.com`,
    }));
    const world = await startWorld({ leads, config: configOf(guard) });
    await world.settled();
    await world.calls();
    const links = await world.links();
    const all = leads.map(({ leadid }) => ({
      leadid,
      marketoId: links.find(({ dynamicsId }) => dynamicsId === leadid)?.marketoId ?? 0,
    }));
    keep(world);
    return all;
  };

export const told = (stopped: Stopped | undefined): string[] | undefined =>
  stopped?.reasons.map(({ measure, from, kind, field, count, of }) =>
    [measure, from, kind, field ?? '*', count, of].join(' '),
  );

/** Runs a cycle; why it was stopped, or undefined. */
export const cycle = async (world: World): Promise<string[] | undefined> =>
  told((await world.cycle()).stopped);

export const decide = async (world: World, decision: GuardDecision): Promise<void> => {
  const stop = await openStop(world.db);
  expect(await decideStop(world.db, stop?.id ?? 0, decision, 'a test')).toBe(true);
};

/** How the last stop ended; undefined while it is open or where there was none. */
export const ended = async ({ db }: World): Promise<StopOutcome | undefined> =>
  (await lastStop(db))?.outcome ?? undefined;

/** True if no record of either side was written since the last look. */
export const untouched = async (world: World): Promise<boolean> => {
  const { marketo, dynamics } = await world.calls();
  const writes = /^(POST \/rest\/v1\/leads|PATCH )/;
  return ![...Object.keys(marketo), ...Object.keys(dynamics)].some((call) => writes.test(call));
};

/** Somebody, or something, blanks a column in Dynamics. */
export const blankTitles = async ({ doors }: World, some: readonly Pair[]): Promise<void> => {
  for (const { leadid } of some) await doors.editRow('leads', leadid, { jobtitle: null });
};

/** In Marketo. */
export const titles = (world: World, all: readonly Pair[]): Promise<unknown[]> =>
  Promise.all(all.map(async ({ marketoId }) => (await world.person(marketoId))['title']));

/** From now on these rows are out of sight, as for a user whose role lost them; returns the cure. */
export const hideRows = ({ ports: { dynamics } }: World, isHidden: (id: string) => boolean): (() => void) => {
  const sighted = { ...dynamics };
  const blind: Partial<typeof dynamics> = {
    changes: async function* (...args) {
      for await (const page of sighted.changes(...args))
        yield { ...page, rows: page.rows.filter(({ id }) => !isHidden(id)) };
    },
    readRows: async (...args) => (await sighted.readRows(...args)).filter(({ id }) => !isHidden(id)),
  };
  Object.assign(dynamics, blind);
  return () => Object.assign(dynamics, sighted);
};

/** The next cycle reads both tables as a whole. */
export const expireDeltas = (world: World): Promise<Response> =>
  fetch(`${world.dataverse}/admin/delta/expire`, { method: 'POST' });
