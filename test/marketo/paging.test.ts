import { describe, expect, it } from 'vitest';
import { FAILURES } from '../../rules/failures.js';
import { failureOf, ok, startRemote, type Remote } from './remote.js';

const ADA = { id: 501, email: 'ada@acme.example' };
const query = { by: 'email', values: [ADA.email], fields: [] } as const;
const garbage = { type: FAILURES.unavailable, code: 'garbage', effect: 'none' };

/** Pages of persons that lead on to these tokens, one after the other, and then from the first again. */
const leadingTo =
  (...tokens: readonly string[]): Remote['answer'] =>
  (_seen, place) =>
    ok([ADA], { moreResult: true, nextPageToken: tokens[place % tokens.length] });

describe('Pages of persons', () => {
  it('that say there is more and not where are garbage, and never all there is', async () => {
    const remote = await startRemote();
    remote.answer = () => ok([ADA], { moreResult: true });
    expect(await failureOf(remote.connect().readPersons(query))).toMatchObject(garbage);
    expect(remote.calls).toHaveLength(1);
  });

  it.each([
    ['themselves', ['T1'], 2],
    ['an earlier one', ['T1', 'T2', 'T3'], 4],
  ])('that lead back to %s are garbage', async (_where, tokens, calls) => {
    const remote = await startRemote();
    remote.answer = leadingTo(...tokens);
    const failure = await failureOf(remote.connect().readPersons(query));
    expect(failure).toMatchObject(garbage);
    expect(failure.message).toContain('a page token that was used already');
    expect(remote.calls).toHaveLength(calls);
  });

  it('that succeed with errors are garbage, and never "nobody"', async () => {
    const remote = await startRemote();
    remote.answer = () => ok(undefined, { errors: [{ code: '604', message: 'timed out' }] });
    expect(await failureOf(remote.connect().readPersons(query))).toMatchObject(garbage);
  });

  it('may be empty, and carry an empty list of errors', async () => {
    const remote = await startRemote();
    remote.answer = (_seen, place) =>
      place === 0
        ? ok([], { moreResult: true, nextPageToken: 'T1', errors: [] })
        : ok([ADA], { errors: null });
    const { persons } = await remote.connect().readPersons(query);
    expect(persons.map(({ id }) => id)).toEqual([501]);
  });
});

describe('A page of a stream', () => {
  it('that says there is more at its own place is garbage', async () => {
    const remote = await startRemote();
    remote.answer = () => ok([], { moreResult: true, nextPageToken: 'T1' });
    const marketo = remote.connect();
    expect(await failureOf(marketo.deletedPersons('T1'))).toMatchObject(garbage);
    expect(await failureOf(marketo.personChanges('T1', ['email']))).toMatchObject(garbage);
  });

  it('that is the last may give its own place again', async () => {
    const remote = await startRemote();
    remote.answer = () => ok([], { moreResult: false, nextPageToken: 'T1' });
    expect(await remote.connect().deletedPersons('T1')).toMatchObject({ nextToken: 'T1', more: false });
  });
});
