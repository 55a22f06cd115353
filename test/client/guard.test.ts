import { describe, expect, it, onTestFinished } from 'vitest';
import type { GuardReason } from '../../rules/guard.js';
import type { Database } from '../../store/database.js';
import { closeStop, endThrough, lastStop, letThrough, openStop, raiseStop } from '../../store/guard-stops.js';
import { installedDatabase } from '../support/migrated.js';
import { contactSync, type Ran } from './recording.js';

const ID = '11111111-1111-4111-8111-111111111111';

const REASON: GuardReason = {
  ...{ measure: 'clears', from: 'dynamics', kind: 'lead', field: 'title', count: 1_900, of: 2_000 },
  examples: [{ marketoId: 1042, dynamicsId: ID }],
};

interface Installed {
  readonly db: Database;
  readonly guard: (...args: readonly string[]) => Promise<Ran>;
}

const installed = async (): Promise<Installed> => {
  const { url, db, close } = await installedDatabase(ID);
  onTestFinished(close);
  return { db, guard: (...args) => contactSync(['guard', ...args], { DATABASE_URL: url }) };
};

const withoutTimes = (text: string): string => text.replace(/\d{4}-\d\d-\d\dT[\d:]{8}Z/g, '(when)');

describe('contact-sync guard', () => {
  it('says that nothing is stopped', async () => {
    const { guard } = await installed();
    expect(await guard()).toEqual({ code: 0, out: 'Nothing is stopped, and nothing ever was.', err: '' });
    expect(JSON.parse((await guard('--json')).out)).toEqual({ stop: null });
  });

  it('shows what is held back, examples, and what each decision does', async () => {
    const { db, guard } = await installed();
    const same: GuardReason = { ...REASON, measure: 'sameValue', from: 'marketo', count: 600, value: 'Test' };
    await raiseStop(db, 7, [REASON, same]);
    const { out } = await guard();
    expect(withoutTimes(out)).toBe(
      `Stop 1: mass change. Nothing is pushed since cycle 7 ((when)).

title would be cleared in Marketo for 1,900 of 2,000 leads (95 %), because Dynamics holds none now
  e.g.     person 1042 and row ${ID}
  go-on    it is written as it stands; much more than this is asked again
  discard  each side keeps what it has in title; a record is synced again once one of its values moves

title would get one and the same value in Dynamics for 600 of 2,000 leads (30 %), from Marketo
  value    "Test"
  e.g.     person 1042 and row ${ID}
  go-on    it is written as it stands; much more than this is asked again
  discard  each side keeps what it has in title; a record is synced again once one of its values moves

Changes are still read, so nothing is lost; requests on demand are served. Once the values are put back, the sync
goes on by itself. Otherwise decide: contact-sync guard go-on, or contact-sync guard discard.`,
    );
  });

  it.each(['go-on', 'discard'] as const)('notes "%s" with its note for the next cycle', async (decision) => {
    const { db, guard } = await installed();
    await raiseStop(db, 7, [REASON]);
    const { code, out } = await guard(decision, '--note', 'agreed with Jo');
    expect(code).toBe(0);
    expect(withoutTimes(out)).toContain(
      `Decided (when): ${decision}, "agreed with Jo"; the next cycle carries it out.`,
    );
    expect(await openStop(db)).toMatchObject({ decision, note: 'agreed with Jo' });
  });

  it('lets a decision be replaced, also while a cycle carries it out, for what is left', async () => {
    const { db, guard } = await installed();
    await raiseStop(db, 7, [REASON]);
    await guard('go-on');
    expect(await letThrough(db, 1, 8)).toBe(true);
    expect((await guard()).out).toContain('cycle 8 carries it out');
    await guard('discard');
    await endThrough(db, 8, 100);
    expect(await openStop(db)).toMatchObject({ decision: 'discard', throughCycle: null });
    expect(await letThrough(db, 1, 9)).toBe(false);
  });

  it.each([
    ['went-on', 'let through by decision'],
    ['discarded', 'given up by decision'],
    ['passed', 'passed by itself'],
    ['outgrown', 'more came than had been let through'],
    ['switched-off', 'the guard was switched off'],
  ] as const)('refuses a decision on a stop that ended (%s), and says how', async (outcome, words) => {
    const { db, guard } = await installed();
    await raiseStop(db, 7, [REASON]);
    const stop = await openStop(db);
    if (stop !== undefined) await closeStop(db, stop, outcome);
    const { code, out, err } = await guard('go-on');
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain('Nothing is stopped: there is nothing to decide.');
    expect(err).toContain(words);
    expect((await guard()).out).toContain(words);
    expect(await lastStop(db)).toMatchObject({ outcome, decision: null });
  });

  it.each([
    [['maybe'], 'Allowed choices are go-on, discard'],
    [['--note', 'why'], '--note belongs to a decision'],
  ])('refuses %j as wrong usage', async (args, message) => {
    const { guard } = await installed();
    const { code, err } = await guard(...args);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });

  it('tells programs the whole stop', async () => {
    const { db, guard } = await installed();
    await raiseStop(db, 7, [REASON]);
    const { stop } = JSON.parse((await guard('go-on', '--json')).out) as { stop: object };
    expect(stop).toMatchObject({ id: 1, firstCycle: 7, decision: 'go-on', reasons: [REASON] });
  });
});

describe('A stop', () => {
  it('is raised once, however many workers raise it, and one that ended makes room for another', async () => {
    const { db } = await installed();
    await Promise.all([raiseStop(db, 7, [REASON]), raiseStop(db, 7, [REASON])]);
    const stop = await openStop(db);
    expect(stop).toMatchObject({ firstCycle: 7 });
    if (stop === undefined) return;
    expect(await closeStop(db, stop, 'passed')).toBe(true);
    expect(await closeStop(db, stop, 'passed')).toBe(false);
    await raiseStop(db, 9, [REASON]);
    expect(await openStop(db)).toMatchObject({ firstCycle: 9 });
  });

  it('does not close under a decision that was made meanwhile', async () => {
    const { db, guard } = await installed();
    await raiseStop(db, 7, [REASON]);
    const stop = await openStop(db);
    await guard('discard');
    expect(stop && (await closeStop(db, stop, 'passed'))).toBe(false);
    expect(await openStop(db)).toMatchObject({ decision: 'discard' });
  });
});
