import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import { adminDoors } from '../../simulators/admin-doors.js';
import { openCallbackDoor, type CallbackDoor } from './campaign.js';
import { GATEWAY_VARIABLES } from './gateway-process.js';
import { eventually, startInstallation, type Installation } from './running.js';
import type { ScratchTemporal } from './scratch-temporal.js';

/** Silence of two seconds is death here. */
const TIMING = { overlap: '5s', doubt: '1s', call: '4s', takeover: '2s' };

/** An installation of one test, with the campaign's door. */
export interface CampaignScene {
  readonly at: Installation;
  readonly door: CallbackDoor;
}

export const inCampaignScene = async (
  name: string,
  temporal: ScratchTemporal,
  test: (scene: CampaignScene) => Promise<void>,
): Promise<void> => {
  const at = await startInstallation({
    ...{ name, people: 20, temporal: temporal.address, timing: TIMING },
    variables: GATEWAY_VARIABLES,
  });
  const door = await openCallbackDoor();
  try {
    await at.command('setup');
    await test({ at, door });
  } finally {
    await at.close();
    await door.close();
  }
};

export const newPersons = ({ at }: CampaignScene, count: number): Promise<number[]> =>
  adminDoors(at).createPersons(
    Array.from({ length: count }, () => ({
      email: `${randomBytes(8).toString('hex')}@example.com`,
      lastName: 'Ito',
    })),
  );

/** The ids of the rows of both tables by their e-mail. */
export const rowsByEmail = async ({ at }: CampaignScene): Promise<Map<unknown, string[]>> => {
  const rows = new Map<unknown, string[]>();
  for (const [table, key] of [
    ['leads', 'leadid'],
    ['contacts', 'contactid'],
  ] as const)
    for await (const page of adminDoors(at).rows(table))
      for (const row of page) {
        const { emailaddress1: email } = row;
        rows.set(email, [...(rows.get(email) ?? []), String(row[key])]);
      }
  return rows;
};

export const personOf = async (
  { at }: CampaignScene,
  id: number,
): Promise<Readonly<Record<string, unknown>>> => {
  const answer = await fetch(`${at.marketo}/admin/persons/${String(id)}`);
  return ((await answer.json()) as { person: Record<string, unknown> }).person;
};

/** One record for each person, and one callback that says so. */
export const expectOneOfEach = async (
  scene: CampaignScene,
  ids: readonly number[],
  token: string,
): Promise<void> => {
  const mine = () => scene.door.accepted.filter(({ body }) => body.token === token);
  await eventually('the callback', () => mine().length > 0, 90_000);
  const told = mine()[0]?.body.objectData ?? [];
  expect(told.map(({ leadData }) => leadData.id).sort()).toEqual([...ids].sort());
  expect(told.every(({ activityData }) => activityData['success'] === true)).toBe(true);
  expect(mine()).toHaveLength(1);
  const rows = await rowsByEmail(scene);
  for (const id of ids) {
    const person = await personOf(scene, id);
    expect(rows.get(person['email'])).toEqual([person['dynamicsId']]);
    expect(person['dynamicsType']).toBe('lead');
  }
};
