import * as z from 'zod';

import type { Kind, Lane } from '../rules/terms.js';
import { type Call, type Connection, sendForJson } from './connection.js';
import { parsed } from './parse.js';
import { guid } from './tables.js';
import type { Identity, TableTraits } from './types.js';

const guidText = z.string().transform((text, problems) => {
  const found = guid(text);
  if (found === undefined) problems.addIssue('no GUID');
  return found ?? z.NEVER;
});
const whoAmIAnswer = z.object({ UserId: guidText, OrganizationId: guidText });
const definition = z.object({
  ChangeTrackingEnabled: z.boolean(),
  IsOptimisticConcurrencyEnabled: z.boolean(),
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

/** What the sync cannot do without on a table (Microsoft: "Query table definitions"). */
export async function readTableTraits(
  connection: Connection,
  lane: Lane,
  kind: Kind,
  signal?: AbortSignal,
): Promise<TableTraits> {
  const select = Object.keys(definition.shape).join(',');
  const path = `EntityDefinitions(LogicalName='${kind}')?$select=${select}`;
  const call: Call = { name: `read the definition of ${kind}`, method: 'GET', path, signal };
  const { json } = await sendForJson(connection, lane, call);
  const found = parsed(definition, json, connection.context(call));
  return {
    changeTracking: found.ChangeTrackingEnabled,
    optimisticConcurrency: found.IsOptimisticConcurrencyEnabled,
  };
}
