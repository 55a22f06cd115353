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
const tableAnswer = z.object({ ChangeTrackingEnabled: z.boolean() });

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

export async function readChangeTracking(
  connection: Connection,
  lane: Lane,
  kind: Kind,
  signal?: AbortSignal,
): Promise<boolean> {
  const path = `EntityDefinitions(LogicalName='${kind}')?$select=ChangeTrackingEnabled`;
  const call: Call = { name: `read the definition of ${kind}`, method: 'GET', path, signal };
  const { json } = await sendForJson(connection, lane, call);
  return parsed(tableAnswer, json, connection.context(call)).ChangeTrackingEnabled;
}
