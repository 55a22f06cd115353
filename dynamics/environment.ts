import * as z from 'zod';

import type { Kind, Lane } from '../rules/terms.js';
import { brokenAnswer } from './answers.js';
import { type Call, type Connection, sendForJson } from './connection.js';
import { guid } from './tables.js';
import type { Identity } from './types.js';

const whoAmIAnswer = z.object({ UserId: z.string(), OrganizationId: z.string() });
const tableAnswer = z.object({ ChangeTrackingEnabled: z.boolean() });

/** The user that we are signed in as, and how parallel the environment advises to be. */
export async function readIdentity(
  connection: Connection,
  lane: Lane,
  signal?: AbortSignal,
): Promise<Identity> {
  const call: Call = { name: 'say who we are', method: 'GET', path: 'WhoAmI', signal };
  const { json } = await sendForJson(connection, lane, call);
  const answer = whoAmIAnswer.safeParse(json).data;
  const userId = guid(answer?.UserId);
  const organizationId = guid(answer?.OrganizationId);
  if (userId === undefined || organizationId === undefined) {
    throw brokenAnswer(connection.context(call), 'JSON that names no user');
  }
  return { userId, organizationId, parallelism: connection.parallelism.current() };
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
  const answer = tableAnswer.safeParse(json);
  if (!answer.success) throw brokenAnswer(connection.context(call), 'JSON that is no table definition');
  return answer.data.ChangeTrackingEnabled;
}
