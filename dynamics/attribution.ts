import type { Answer } from './answers.js';

/** Answer of a part: `not-run` where the server certainly stopped before it, `unreadable` where it may have run. */
export type PartAnswer = Answer | 'not-run' | 'unreadable';

export interface BatchReply {
  /** In the order of the parts; `undefined` where one cannot be read. */
  readonly answers: readonly (Answer | undefined)[];
  /** The reply is there to its end. */
  readonly closed: boolean;
}

/** The part that an answer is certainly about, by what it names; `undefined` for one that names nothing. */
export type NamedPart = (answer: Answer) => number | undefined;

/**
 * Puts each answer in the place of its part. Answers come in the order of the parts, so that a whole reply needs no
 * names. Once one is missing, or the reply is cut, nobody knows which: then only answers that name their part are
 * believed, since a refusal names none, and its neighbour would be refused in its stead.
 *
 * @param count how many parts were sent; never fewer than answers came
 */
export function attribute(reply: BatchReply, count: number, named: NamedPart): PartAnswer[] {
  const anchors = reply.answers.flatMap((answer, at): Anchor[] => {
    const part = answer && named(answer);
    return part === undefined ? [] : [{ at, part }];
  });
  const whole = reply.closed && reply.answers.length === count;
  if (whole && anchors.every(({ at, part }) => at === part)) {
    return reply.answers.map((answer) => answer ?? 'unreadable');
  }
  const reached = partsReached(reply, anchors);
  return Array.from({ length: count }, (_part, index) => {
    const [first, ...more] = anchors.filter(({ part }) => part === index);
    const answer = first !== undefined && more.length === 0 ? reply.answers[first.at] : undefined;
    return answer ?? (index < reached ? 'unreadable' : 'not-run');
  });
}

interface Anchor {
  /** Index of the answer. */
  readonly at: number;
  /** Index of the part. */
  readonly part: number;
}

/**
 * How many parts may have run. Only a server that stopped at a failure, in spite of `odata.continue-on-error`, left some
 * out for certain: its reply is closed, and ends in the one failure that it holds. That failure may be of any part from
 * the last named one on, should answers be missing as well; the part after it counts as left out, since `If-Match` lets
 * a repetition change nothing twice.
 */
function partsReached({ answers, closed }: BatchReply, anchors: readonly Anchor[]): number {
  const last = answers.at(-1);
  const passed = answers.slice(0, -1).every((answer) => answer !== undefined && answer.status < 400);
  if (!closed || last === undefined || last.status < 400 || !passed) return Infinity;
  const before = anchors.reduce((most, anchor) => (anchor.part > most.part ? anchor : most), NOWHERE);
  return before.part + answers.length - before.at;
}

/** Before the first answer, and the first part. */
const NOWHERE: Anchor = { at: -1, part: -1 };
