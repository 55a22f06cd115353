import { ApiFailure } from '../failure.js';
import type { Instance } from '../instance.js';
import type { BadRecord } from '../persons/person-settings.js';
import { skipped, text, type InputRecord, type Skipped } from './lead-writing.js';

const isMeant = ({ field, contains }: BadRecord, record: InputRecord): boolean =>
  Object.hasOwn(record, field) && text(record[field]).includes(contains);

/** A record that makes the whole call fail, before anything of it is written. */
export const failByRecords = (instance: Instance, input: readonly InputRecord[]): void => {
  const fatal = instance.settings.current.badRecords.filter(({ fails }) => fails === 'call');
  const struck = fatal.find((bad) => input.some((record) => isMeant(bad, record)));
  if (struck !== undefined) throw new ApiFailure(struck.code);
};

/** Why Marketo does not take a record, without naming a field. */
export const refusedRecord = (instance: Instance, record: InputRecord): Skipped | undefined => {
  const bad = instance.settings.current.badRecords.find(
    (each) => each.fails === 'record' && isMeant(each, record),
  );
  return bad && skipped(bad.code);
};
