import type { Hold } from '../../rules/scope.js';
import type { Database } from '../../store/database.js';
import { holdsOfPersons } from '../../store/holds.js';
import { atStore } from '../at-store.js';
import { CommandFailure } from '../failure.js';
import { EXIT, printJson, type Context, type ExitCode } from '../io.js';
import { nameOf, unknownRecord, type RecordRef } from '../record.js';
import { explainRecord, type LinkExplanation } from './read.js';
import { renderWhy } from './render.js';
import { scopeTexts } from './words.js';

export interface WhyOptions {
  readonly json: boolean;
}

/** `contact-sync why`: explains current values from the store; asks no remote. */
export const runWhy = (
  { env, io }: Context,
  record: RecordRef,
  field: string | undefined,
  { json }: WhyOptions,
): Promise<ExitCode> =>
  atStore(env, async (db) => {
    const explained = await explainRecord(db, record, field);
    const hold = await holdOf(db, record);
    if (hold === undefined || explained.length > 0) requireKnown(explained, record, field);
    if (json) printJson(io, { links: explained, ...(hold !== undefined && { hold }) });
    else {
      const held = hold === undefined ? [] : heldLines(record, hold);
      const links = explained.length === 0 ? [] : [renderWhy(explained, field !== undefined, io.color)];
      io.out([...held, ...links].join('\n'));
    }
    return EXIT.ok;
  });

/** The hold on a person that no living link carries. */
const holdOf = async (db: Database, record: RecordRef): Promise<Hold | undefined> =>
  'marketoId' in record ? (await holdsOfPersons(db, [record.marketoId])).get(record.marketoId) : undefined;

const heldLines = (record: RecordRef, hold: Hold): string[] => [
  `${nameOf(record)} has no record in Dynamics`,
  ...scopeTexts({ hold }).map((text) => `  ${text}`),
];

const requireKnown = (
  explained: readonly LinkExplanation[],
  record: RecordRef,
  field: string | undefined,
): void => {
  if (explained.length === 0) throw unknownRecord(record);
  if (field === undefined || explained.some(({ fields }) => fields.length > 0)) return;
  throw new CommandFailure(`The sync keeps no field "${field}" of this record.`, {
    hints: ['Fields go by their Marketo name; leave the name out to see all of them.'],
  });
};
