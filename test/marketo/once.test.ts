import { describe, expect, it } from 'vitest';
import type { Marketo } from '../../marketo/index.js';
import { FAILURES } from '../../rules/failures.js';
import { failureOf, refuse, startRemote } from './remote.js';

const persons =
  (action: 'createOnly' | 'createOrUpdate' | 'createDuplicate' | 'updateOnly') =>
  (marketo: Marketo): Promise<unknown> =>
    marketo.syncPersons({ action, lookupField: 'email', records: [{ email: 'ada@acme.example' }] });

describe('A code that Adobe does not list, on a write', () => {
  it.each([
    [
      'an activity',
      (marketo: Marketo) =>
        marketo.addActivities([
          { marketoId: 501, at: '2026-11-20T10:00:00Z', typeId: 100001, primaryValue: 'x', attributes: {} },
        ]),
    ],
    [
      'a field',
      (marketo: Marketo) => marketo.createFields([{ name: 'mark', displayName: 'Mark', type: 'string' }]),
    ],
    ['a new person', persons('createOnly')],
    ['a second person', persons('createDuplicate')],
  ])('that must not run twice (%s) leaves it in doubt, and it is not sent again', async (_what, write) => {
    const remote = await startRemote();
    remote.answer = () => refuse('4711');
    const failure = await failureOf(write(remote.connect()));
    expect(failure).toMatchObject({ type: FAILURES.unavailable, code: '4711', effect: 'unknown' });
    expect(failure.message).toContain('may have been executed');
    expect(remote.calls).toHaveLength(1);
  });

  it.each(['createOrUpdate', 'updateOnly'] as const)(
    'that comes to the same when it runs twice (%s) is sent again',
    async (action) => {
      const remote = await startRemote();
      remote.answer = () => refuse('4711');
      const failure = await failureOf(persons(action)(remote.connect()));
      expect(failure).toMatchObject({ type: FAILURES.refusedCall, effect: 'none' });
      expect(remote.calls).toHaveLength(4);
    },
  );
});
