import type { Answer } from './answers.js';

/** Answer of a part: `not-run` where the server says nothing of it, `unreadable` where it may have run. */
export type PartAnswer = Answer | 'not-run' | 'unreadable';

export interface BatchReply {
  /** In the order of the parts; `undefined` where one cannot be read. */
  readonly answers: readonly (Answer | undefined)[];
  /** The reply is there to its end. */
  readonly closed: boolean;
  /** The reply as a whole is an error: the server stopped at the last answer. */
  readonly stopped: boolean;
}

/** The part that an answer is certainly about, by what it names; `undefined` for one that names nothing. */
export type NamedPart = (answer: Answer) => number | undefined;

/**
 * Puts each answer in the place of its part. Answers come in the order of the parts, but some can be missing, and a
 * refusal does not say whom it refuses: it is believed only where its place is beyond doubt, that is between answers
 * that name their row, or where none is missing.
 *
 * @param count how many parts were sent; never fewer than answers came
 */
export function attribute(reply: BatchReply, count: number, named: NamedPart): PartAnswer[] {
  const anchors = reply.answers.flatMap((answer, at): Anchor[] => {
    const part = answer && named(answer);
    return part === undefined ? [] : [{ at, part }];
  });
  const fences = [{ at: -1, part: -1 }, ...anchors, { at: reply.answers.length, part: count }];
  if (!inOrder(fences)) return onlyNamed(reply, count, anchors);
  const placed: PartAnswer[] = [];
  for (const [index, fence] of fences.slice(0, -1).entries()) {
    const next = fences[index + 1] ?? fence;
    if (fence.at >= 0) placed.push(reply.answers[fence.at] ?? 'unreadable');
    const answers = reply.answers.slice(fence.at + 1, next.at);
    placed.push(...between(answers, next.part - fence.part - 1, next.part === count ? reply : undefined));
  }
  return placed;
}

interface Anchor {
  /** Index of the answer. */
  readonly at: number;
  /** Index of the part. */
  readonly part: number;
}

/** No two answers name one part, none goes back, and no more answers stand between two than there are parts. */
const inOrder = (fences: readonly Anchor[]): boolean =>
  fences.slice(1).every((fence, index) => {
    const before = fences[index] ?? fence;
    return fence.part - before.part >= fence.at - before.at;
  });

/** Answers that name nothing, between two that do, or (`end`) after the last. */
function between(
  answers: readonly (Answer | undefined)[],
  parts: number,
  end: BatchReply | undefined,
): PartAnswer[] {
  const missing: PartAnswer = end?.closed === false ? 'unreadable' : 'not-run';
  const fromStart =
    answers.length === 0 || answers.length === parts || end?.stopped === true || end?.closed === false;
  return Array.from({ length: parts }, (_part, index) => {
    if (!fromStart) return 'unreadable';
    return index < answers.length ? (answers[index] ?? 'unreadable') : missing;
  });
}

/** Without an order only those answers are believed that name their part, each once. */
function onlyNamed(reply: BatchReply, count: number, anchors: readonly Anchor[]): PartAnswer[] {
  return Array.from({ length: count }, (_part, index) => {
    const [first, ...more] = anchors.filter(({ part }) => part === index);
    return (first !== undefined && more.length === 0 ? reply.answers[first.at] : undefined) ?? 'unreadable';
  });
}
