import * as z from 'zod';

import type { Kind, Lane } from '../rules/terms.js';
import { type Call, type Connection, sendForJson } from './connection.js';
import { parsed } from './parse.js';
import { guid } from './tables.js';
import type { Identity } from './types.js';

const guidText = z.string().transform((text, problems) => {
  const found = guid(text);
  if (found === undefined) problems.addIssue('no GUID');
  return found ?? z.NEVER;
});
const whoAmIAnswer = z.object({ UserId: guidText, OrganizationId: guidText });
/** There is one organization in an environment. */
const organizations = z.object({
  value: z.tuple([z.object({ expirechangetrackingindays: z.int().min(0).max(365) })], z.unknown()),
});

/** The user that we are signed in as, and how parallel the environment advises to be. */
export async function readIdentity(
  connection: Connection,
  lane: Lane,
  signal?: AbortSignal,
): Promise<Identity> {
  const call: Call = { name: 'say who we are', method: 'GET', path: 'WhoAmI', signal };
  const { json } = await sendForJson(connection, lane, call);
  const { UserId, OrganizationId } = parsed(whoAmIAnswer, json, connection.context(call));
  return { userId: UserId, organizationId: OrganizationId, parallelism: connection.parallelism.current() };
}

export const readChangeTracking = (
  connection: Connection,
  lane: Lane,
  kind: Kind,
  signal?: AbortSignal,
): Promise<boolean> => readFlag(connection, lane, kind, 'ChangeTrackingEnabled', signal);

export const readOptimisticConcurrency = (
  connection: Connection,
  lane: Lane,
  kind: Kind,
  signal?: AbortSignal,
): Promise<boolean> => readFlag(connection, lane, kind, 'IsOptimisticConcurrencyEnabled', signal);

type Flag = 'ChangeTrackingEnabled' | 'IsOptimisticConcurrencyEnabled';

async function readFlag(
  connection: Connection,
  lane: Lane,
  kind: Kind,
  flag: Flag,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const path = `EntityDefinitions(LogicalName='${kind}')?$select=${flag}`;
  const call: Call = { name: `read the definition of ${kind}`, method: 'GET', path, signal };
  const { json } = await sendForJson(connection, lane, call);
  return parsed(z.record(z.literal(flag), z.boolean()), pick(json, flag), connection.context(call))[flag];
}

const pick = (json: unknown, member: string): unknown =>
  typeof json === 'object' && json !== null ? { [member]: (json as Record<string, unknown>)[member] } : json;

export async function readChangesKeptDays(
  connection: Connection,
  lane: Lane,
  signal?: AbortSignal,
): Promise<number> {
  const path = 'organizations?$select=expirechangetrackingindays';
  const call: Call = { name: 'say how long it keeps changes', method: 'GET', path, signal };
  const { json } = await sendForJson(connection, lane, call);
  return parsed(organizations, json, connection.context(call)).value[0].expirechangetrackingindays;
}
