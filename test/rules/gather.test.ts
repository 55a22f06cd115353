import { describe, expect, it } from 'vitest';
import { FAILURES, RemoteFailure } from '../../rules/failures.js';
import { gather } from '../../rules/gather.js';

interface Call {
  readonly questions: readonly string[];
  readonly signal: AbortSignal;
  readonly answer: () => void;
  readonly fail: (error: unknown) => void;
}

const upper = (text: string): string => text.toUpperCase();

/** A remote that answers when the test says so. */
const scene = (
  options: {
    most?: number;
    atOnce?: number;
    keyOf?: (text: string) => string;
    nameOf?: (text: string) => string;
  } = {},
) => {
  const calls: Call[] = [];
  const ask = gather<string, string>({
    ...{ most: 3, atOnce: 1, ...options },
    call: (questions, signal) =>
      new Promise((resolve, reject) => {
        calls.push({ questions, signal, answer: () => resolve(questions.map(upper)), fail: reject });
      }),
  });
  const asked = calls.map.bind(calls, ({ questions }) => questions.join(''));
  return { ask: (text: string, signal = new AbortController().signal) => ask(text, signal), calls, asked };
};

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const refusal = (type: keyof typeof FAILURES): RemoteFailure =>
  new RemoteFailure({ type: FAILURES[type], message: 'no', effect: 'none' });

describe('Questions that are gathered', () => {
  it('go at once, each by itself, while nothing is under way', async () => {
    const { ask, calls, asked } = scene();
    for (const text of ['a', 'b']) {
      const answer = ask(text);
      expect(asked().at(-1)).toBe(text);
      calls.at(-1)?.answer();
      expect(await answer).toBe(upper(text));
    }
  });

  it('share the next call while one is under way, as many as it takes, and get their own answers', async () => {
    const { ask, calls, asked } = scene();
    const answers = Promise.all(['a', 'b', 'c', 'd', 'e'].map((text) => ask(text)));
    expect(asked()).toEqual(['a']);
    for (const expected of [
      ['a', 'bcd'],
      ['a', 'bcd', 'e'],
      ['a', 'bcd', 'e'],
    ]) {
      calls.at(-1)?.answer();
      await settle();
      expect(asked()).toEqual(expected);
    }
    expect(await answers).toEqual(['A', 'B', 'C', 'D', 'E']);
  });

  it('take so many calls at once', () => {
    const { ask, asked } = scene({ atOnce: 2 });
    for (const text of ['a', 'b', 'c', 'd']) void ask(text);
    expect(asked()).toEqual(['a', 'b']);
  });

  it('of one key never share a call', async () => {
    const { ask, calls, asked } = scene({ keyOf: (text) => text });
    const answers = Promise.all(['x', 'a', 'a', 'b'].map((text) => ask(text)));
    for (let call = 0; call < 3; call += 1) {
      calls[call]?.answer();
      await settle();
    }
    expect(asked()).toEqual(['x', 'ab', 'a']);
    expect(await answers).toEqual(['X', 'A', 'A', 'B']);
  });

  it('all learn of a failure that time heals, and are not asked again', async () => {
    const { ask, calls, asked } = scene();
    const failure = refusal('unavailable');
    const outcomes = Promise.allSettled(['a', 'b', 'c'].map((text) => ask(text)));
    calls[0]?.answer();
    await settle();
    calls[1]?.fail(failure);
    expect(await outcomes).toMatchObject([{ value: 'A' }, { reason: failure }, { reason: failure }]);
    expect(asked()).toEqual(['a', 'bc']);
  });

  it('share with fewer after a failure, so that one that makes each of its calls fail holds up no others for long', async () => {
    const { ask, calls, asked } = scene({ most: 100, nameOf: (text) => text });
    const others = Array.from({ length: 30 }, (_, index) => String(index));
    const answered: string[] = [];
    let rounds = 0;
    for (let open = [...others, 'x']; answered.length < others.length; rounds += 1) {
      const round = Promise.allSettled(open.map((text) => ask(text)));
      let call = calls.length - 1;
      for (; call < calls.length; call += 1) {
        if (calls[call]?.questions.includes('x') === true) calls[call]?.fail(refusal('unavailable'));
        else calls[call]?.answer();
        await settle();
      }
      const outcomes = await round;
      answered.push(...open.filter((_, index) => outcomes[index]?.status === 'fulfilled'));
      open = open.filter((_, index) => outcomes[index]?.status === 'rejected');
    }
    expect(rounds).toBeLessThanOrEqual(4);
    expect(asked().length).toBeLessThan(others.length);
    // Once answered, they share as before.
    const again = Promise.all(['y', ...others].map((text) => ask(text)));
    calls.at(-1)?.answer();
    await settle();
    expect(calls.at(-1)?.questions).toHaveLength(others.length);
    calls.at(-1)?.answer();
    await again;
  });

  it('are asked in halves where their call is refused, so that one that cannot be asked fails alone', async () => {
    const { ask, calls, asked } = scene();
    const outcomes = Promise.allSettled(['a', 'b', 'c', 'd'].map((text) => ask(text)));
    calls[0]?.answer();
    await settle();
    for (let call = 1; call <= 5; call += 1) {
      if (calls[call]?.questions.includes('c') === true) calls[call]?.fail(refusal('refusedCall'));
      else calls[call]?.answer();
      await settle();
    }
    expect(asked()).toEqual(['a', 'bcd', 'bc', 'b', 'c', 'd']);
    expect(await outcomes).toMatchObject([
      { value: 'A' },
      { value: 'B' },
      { reason: { type: 'RefusedCall' } },
      { value: 'D' },
    ]);
  });

  it('that somebody gives up while they wait are never asked', async () => {
    const { ask, calls, asked } = scene();
    const [first, gone] = [ask('a'), new AbortController()];
    const given = ask('b', gone.signal);
    const last = ask('c');
    gone.abort(new Error('enough'));
    await expect(given).rejects.toThrow('enough');
    calls[0]?.answer();
    await settle();
    calls[1]?.answer();
    expect([await first, await last]).toEqual(['A', 'C']);
    expect(asked()).toEqual(['a', 'c']);
  });

  it('end their call when its time is over for one of them; the others may ask again', async () => {
    const { ask, calls } = scene();
    const gone = new AbortController();
    const outcomes = Promise.allSettled([ask('a'), ask('b', gone.signal), ask('c')]);
    calls[0]?.answer();
    await settle();
    gone.abort(new Error('enough'));
    expect(calls[1]?.signal.aborted).toBe(true);
    calls[1]?.fail(calls[1].signal.reason);
    expect(await outcomes).toMatchObject([
      { value: 'A' },
      { reason: { message: 'enough' } },
      { reason: { type: 'Busy', details: { effect: 'unknown' } } },
    ]);
  });

  it('are refused at once after their time is over', async () => {
    const { ask, asked } = scene();
    await expect(ask('a', AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
    expect(asked()).toEqual([]);
  });
});
