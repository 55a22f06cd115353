import { readdirSync, readFileSync } from 'node:fs';
import { DeterminismViolationError } from '@temporalio/workflow';
import { historyFromJSON, historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import { describe, expect, it } from 'vitest';
import { folder, recordHistories } from '../histories/record.js';
import { workflowBundle } from '../support/bundle.js';
import { temporalServer } from './servers.js';

// RECORD_HISTORIES=1 records them anew first; see test/histories/README.md.
if (process.env['RECORD_HISTORIES'] !== undefined) {
  const server = temporalServer('dev');
  describe('Recording', () => {
    it('keeps the histories of the workflows as they are now', () => recordHistories(server));
  });
}

interface Event {
  readonly eventType: string;
  readonly activityTaskScheduledEventAttributes?: { readonly activityType: { name: string } };
}

interface History {
  readonly events: Event[];
}

const names = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .map((name) => name.slice(0, -'.json'.length));

const read = (name: string): History =>
  JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as History;

const replay = async (history: unknown): Promise<void> => {
  const options = { workflowBundle: await workflowBundle() };
  await Worker.runReplayHistory(options, history, 'replayed');
};

describe('A recorded history', () => {
  it('is there for each workflow', () => {
    expect(names).toEqual(
      expect.arrayContaining([
        'backfill-woken',
        'backfill-work',
        'create-person-joined',
        'sync-chunk',
        'sync-cycle-chunks',
        'sync-cycle-failed',
        'sync-cycle-idle',
        'sync-cycle-quota',
        'sync-cycle-stopped',
      ]),
    );
  });

  it.each(names)('replays on the workflows as they are now: %s', async (name) => {
    await replay(read(name));
  });

  it.each(names)('survives being read and written: %s', async (name) => {
    const history = historyFromJSON(read(name));
    expect(history.events).toHaveLength(read(name).events.length);
    const again = JSON.parse(historyToJSON(history)) as History;
    expect(again).toEqual(read(name));
    await replay(again);
  });
});

describe('An incompatible change', () => {
  it.each([
    { change: 'an activity by another name', name: 'sync-cycle-chunks', from: 'resolve', to: 'decide' },
    { change: 'an activity by another name', name: 'backfill-work', from: 'readFields', to: 'fill' },
    { change: 'an activity by another name', name: 'sync-chunk', from: 'recordChunk', to: 'tell' },
    {
      change: 'an activity by another name',
      name: 'create-person-joined',
      from: 'recordOutcome',
      to: 'tell',
    },
  ])('is noticed: $change in $name', async ({ name, from, to }) => {
    const history = read(name);
    const scheduled = history.events.flatMap(
      ({ activityTaskScheduledEventAttributes: attributes }) => attributes?.activityType ?? [],
    );
    const renamed = scheduled.filter((type) => type.name === from);
    expect(renamed.length).toBeGreaterThan(0);
    for (const type of renamed) type.name = to;
    await expect(replay(history)).rejects.toThrow(DeterminismViolationError);
  });

  it('is noticed: a rest that the workflow no longer takes', async () => {
    const history = read('sync-cycle-idle');
    const begun = history.events.find(
      ({ eventType }) => eventType === 'EVENT_TYPE_ACTIVITY_TASK_COMPLETED',
    ) as unknown as { activityTaskCompletedEventAttributes: { result: { payloads: { data: string }[] } } };
    const [payload] = begun.activityTaskCompletedEventAttributes.result.payloads;
    expect(payload).toBeDefined();
    if (payload !== undefined)
      payload.data = Buffer.from(JSON.stringify({ cycle: 3, notBefore: 0 })).toString('base64');
    await expect(replay(history)).rejects.toThrow(DeterminismViolationError);
  });
});
