import type { Marketo } from '../../marketo/index.js';
import { refusal, type CommandFailure } from '../failure.js';

/** The person field whose description says which installation keeps this Marketo subscription in sync. */
const KEY_FIELD = 'dynamicsId';
/** Marketo's limit for a description is not documented; 255 is its limit for a string. */
const LONGEST = 255;
const MARK = /Contact Sync installation ([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}) \(([^)]*)\)/i;

/** An installation as Marketo knows it. */
export interface Claim {
  /** UUID. */
  readonly id: string;
  readonly name: string;
}

/** What is written into the description of the key field. The form is permanent: other installations read it. */
export const buildMark = ({ id, name }: Claim): string => `Contact Sync installation ${id} (${name})`;

/** The installation that a description names, or undefined. */
export const parseMark = (description: string): Claim | undefined => {
  const [, id, name] = MARK.exec(description) ?? [];
  return id === undefined || name === undefined ? undefined : { id: id.toLowerCase(), name };
};

/**
 * Makes sure that no other installation keeps this Marketo subscription in sync.
 *
 * @param ours id of the installation in our store; undefined before the first setup.
 * @returns whether ours is named there.
 * @throws {CommandFailure} naming the other installation.
 */
export const checkClaim = async (
  marketo: Marketo,
  ours: string | undefined,
  signal?: AbortSignal,
): Promise<boolean> => {
  const field = await marketo.fieldSchema(KEY_FIELD, signal);
  const found = parseMark(field?.description ?? '');
  if (found !== undefined && found.id !== ours) throw taken(found);
  return found !== undefined;
};

/**
 * Writes our installation into Marketo and reads it back, because another setup may run at this very moment.
 *
 * @throws {CommandFailure} naming the other installation.
 */
export const claim = async (marketo: Marketo, ours: Claim, signal?: AbortSignal): Promise<void> => {
  const description = (await marketo.fieldSchema(KEY_FIELD, signal))?.description ?? '';
  const found = parseMark(description);
  if (found !== undefined && found.id !== ours.id) throw taken(found);
  await marketo.describeField(KEY_FIELD, withMark(description, ours), signal);
  await checkClaim(marketo, ours.id, signal);
};

const withMark = (description: string, ours: Claim): string => {
  const mark = buildMark(ours);
  const joined = `${description.trim()} ${mark}`.trim();
  return joined.length <= LONGEST ? joined : mark;
};

const taken = ({ id, name }: Claim): CommandFailure =>
  refusal(
    `This Marketo subscription is kept in sync by another installation of Contact Sync: ${id} (${name}).`,
    'Two installations on one pair of systems would undo each other, so this one is not set up.',
    'If that installation is this one, point DATABASE_URL or SYNC_DATA_DIR to its store.',
    `If it is gone for good, remove its text from the description of the field ${KEY_FIELD} (Marketo: Admin > Field Management) and run setup again.`,
  );
