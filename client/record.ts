import { CommandFailure } from './failure.js';

/** A record that a command is about, by the id that either side gave it. */
export type RecordRef = { readonly marketoId: number } | { readonly dynamicsId: string };

export const nameOf = (record: RecordRef): string =>
  'marketoId' in record ? `person ${record.marketoId}` : `row ${record.dynamicsId}`;

export const unknownRecord = (record: RecordRef): CommandFailure =>
  new CommandFailure(`The sync knows no ${nameOf(record)}.`, {
    hints: [
      'marketoId' in record
        ? 'A person without a record in Dynamics is not synced: "Sync Person to Dynamics" creates one.'
        : 'It may be newer than the last cycle, or of another environment.',
    ],
  });
