import { readEnvironment } from '../../config/environment.js';
import { openStore } from '../../store/open.js';
import { requireInstalled } from '../installed.js';
import { CommandFailure } from '../failure.js';
import { EXIT, printJson, type Context, type ExitCode } from '../io.js';
import { unknownRecord, type RecordRef } from '../record.js';
import { explainRecord, type LinkExplanation } from './read.js';
import { renderWhy } from './render.js';

export interface WhyOptions {
  readonly json: boolean;
}

/** `contact-sync why`: explains current values from the store; asks no remote. */
export const runWhy = async (
  { env, io }: Context,
  record: RecordRef,
  field: string | undefined,
  { json }: WhyOptions,
): Promise<ExitCode> => {
  const environment = readEnvironment(env, ['store']);
  const store = await openStore(environment.store);
  try {
    await requireInstalled(store.db, environment.installation);
    const explained = await explainRecord(store.db, record, field);
    requireKnown(explained, record, field);
    if (json) printJson(io, { links: explained });
    else io.out(renderWhy(explained, field !== undefined, io.color));
    return EXIT.ok;
  } finally {
    await store.close();
  }
};

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
