import { atStore } from '../at-store.js';
import { CommandFailure, refusal } from '../failure.js';
import { EXIT, printJson, type Context, type ExitCode } from '../io.js';
import { operatorName } from '../operator.js';
import { nameOf, type RecordRef } from '../record.js';
import { decideLink, decideSeparate, type Pairing } from './decide.js';
import { listGroups } from './groups.js';
import { decidedText, renderGroups } from './render.js';

export interface ResolveOptions {
  /** A person and a row, in either order. */
  readonly link?: readonly RecordRef[];
  readonly separate: boolean;
  readonly by?: string;
  readonly json: boolean;
}

/** `contact-sync resolve`: lists ambiguous groups, or decides about those of one record. */
export const runResolve = (
  { env, io }: Context,
  record: RecordRef | undefined,
  { link, separate, by = operatorName(), json }: ResolveOptions,
): Promise<ExitCode> => {
  const pair = link && pairingOf(link);
  if (pair !== undefined && separate) throw refusal('Decide one thing: --link or --separate.');
  return atStore(env, async (db) => {
    const decider = { by, at: new Date().toISOString() };
    if (pair === undefined && !separate) {
      const groups = await listGroups(db, record);
      if (groups.length === 0 && record !== undefined) throw inNoGroup(record);
      if (json) printJson(io, { groups });
      else io.out(groups.length === 0 ? 'No group is ambiguous.' : renderGroups(groups, io.color));
      return EXIT.ok;
    }
    if (record === undefined) throw refusal('A decision is about one record: name it.');
    const decided = await (pair === undefined
      ? decideSeparate(db, record, decider)
      : decideLink(db, record, pair, decider));
    if (json) printJson(io, { ...decided, ...decider });
    else io.out(decidedText(decided));
    return EXIT.ok;
  });
};

const pairingOf = (records: readonly RecordRef[]): Pairing => {
  const [marketoId, ...persons] = records.flatMap((each) => ('marketoId' in each ? each.marketoId : []));
  const [dynamicsId, ...rows] = records.flatMap((each) => ('dynamicsId' in each ? each.dynamicsId : []));
  if (marketoId !== undefined && dynamicsId !== undefined && persons.length + rows.length === 0) {
    return { marketoId, dynamicsId };
  }
  throw refusal("--link takes one person and one row: Marketo's id, and the id of the lead or contact.");
};

const inNoGroup = (record: RecordRef): CommandFailure =>
  new CommandFailure(`No ambiguous group has ${nameOf(record)}.`, {
    hints: ['contact-sync resolve lists all groups; contact-sync why tells how a record stands.'],
  });
