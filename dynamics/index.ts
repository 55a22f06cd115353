import type { Lane } from '../rules/terms.js';
import { readAccess } from './access.js';
import { readChanges } from './changes.js';
import { readColumns } from './columns.js';
import { type Connection, createConnection } from './connection.js';
import { readIdentity, readTableTraits } from './environment.js';
import { readOwners } from './owners.js';
import { contactsOf, findByEmail, modifiedSince, readRow, readRows } from './reads.js';
import type { Dynamics, DynamicsOptions, DynamicsSettings } from './types.js';
import { writeMany, writeOne } from './writes.js';

export { DEFAULT_DEADLINES } from './connection.js';
export { lookupName } from './lookup-names.js';
export { lookupColumn } from './tables.js';
export type * from './types.js';

/**
 * Connects to one Dataverse environment; nothing is sent yet. Make one per process: it holds the token, the connections
 * and what the environment advised.
 * @throws RemoteFailure `Misconfigured` if there is not exactly one credential, or MSAL cannot use the settings
 */
export function createDynamics(settings: DynamicsSettings, options: DynamicsOptions): Dynamics {
  return onLane(createConnection(settings, options), options.lane ?? 'cycle');
}

const onLane = (connection: Connection, lane: Lane): Dynamics => ({
  onLane: (other) => onLane(connection, other),
  whoAmI: (signal) => readIdentity(connection, lane, signal),
  tableTraits: (kind, signal) => readTableTraits(connection, lane, kind, signal),
  columns: (kind, userId, options, signal) =>
    readColumns(connection, lane, { kind, userId, strong: options?.strong === true, signal }),
  access: (userId, kinds, signal) => readAccess(connection, lane, userId, kinds, signal),
  changes: (kind, from, signal) => readChanges(connection, lane, kind, from, signal),
  readRows: (kind, ids, select, signal) => readRows(connection, lane, kind, ids, select, signal),
  readRow: (kind, id, select, signal) => readRow(connection, lane, kind, id, select, signal),
  findByEmail: (kind, emails, select, signal) => findByEmail(connection, lane, kind, emails, select, signal),
  owners: (most, signal) => readOwners(connection, lane, most, signal),
  contactsOf: (leads, signal) => contactsOf(connection, lane, leads, signal),
  modifiedSince: (kind, since, select, signal) =>
    modifiedSince(connection, lane, kind, since, select, signal),
  write: (operations, options) => writeMany(connection, lane, operations, options),
  writeOne: (operation, signal) => writeOne(connection, lane, operation, signal),
  close: () => connection.close(),
});
