import type { RowOutcome, RowUpdate } from '../../dynamics/index.js';
import { batchReply, type HeardPart, heardParts } from './batch-wire.js';
import { type Heard, id, type Reply } from './fake-dataverse.js';
import type { Part } from './rights.js';

export const update = (number: number): RowUpdate => ({
  type: 'update',
  kind: 'contact',
  id: id(number),
  etag: `W/"${number}"`,
  values: { jobtitle: `Nº ${number}` },
});
export const updates = (count: number): RowUpdate[] =>
  Array.from({ length: count }, (_row, at) => update(at));
/** The number in the id that a part addresses. */
export const rowOf = (part: HeardPart): number => parseInt(/([0-9a-f]{12})\)/.exec(part.url)?.[1] ?? '', 16);
export const answerParts =
  (answer: (row: number, part: HeardPart) => Part) =>
  (request: Heard): Reply =>
    request.url.endsWith('$batch')
      ? batchReply(heardParts(request).map((part) => answer(rowOf(part), part)))
      : { status: 500 };
export const statuses = (outcomes: readonly RowOutcome[]): string[] => outcomes.map(({ status }) => status);
