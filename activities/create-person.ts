import type { PersonRecord } from '../marketo/index.js';
import { emailKey } from '../rules/email.js';
import type { Link } from '../rules/link.js';
import type { Mapping } from '../rules/mapping.js';
import { match } from '../rules/matching.js';
import { claimEmails, releaseEmails } from '../store/claims.js';
import { linksByPerson, linksByRow } from '../store/links.js';
import { currentMapping } from './catalog.js';
import { claimMs } from './claimed.js';
import type { CreatePersonInput, CreatePersonResult } from './contract.js';
import { createRow, reserve } from './create-row.js';
import { personFields } from './fetch-marketo.js';
import { freePersonsLike, freeRowsOf } from './free-records.js';
import { linkAgain, linkRow } from './link-row.js';
import { answer, busy, type Request } from './request.js';
import { isGuid, textOf } from './rows.js';
import type { Attempt, Ports } from './settings.js';

/**
 * Creates the row of a person, or links one that is there. A person that has its row already is left alone: nothing is
 * read or written for it (rule 5). Repeating is safe: the link is reserved before the row is made, and the row's id
 * follows from the person.
 */
export const createPerson = async (
  ports: Ports,
  input: CreatePersonInput,
  attempt: Attempt,
): Promise<CreatePersonResult> => {
  const [link] = await linksByPerson(ports.db, [input.marketoId]);
  if (link?.status === 'linked') return answer('already-there', link);
  if (link?.status === 'merged-away') return heldBack(link);
  const mapping = await currentMapping(ports);
  const person = await readPerson(ports, input.marketoId, mapping, attempt);
  if (person === undefined) return answer('not-found', undefined);
  const key = emailKey(textOf(person.values['email'])) ?? `person ${String(person.id)}`;
  const held = await claimEmails(ports.db, [key], attempt.holder, claimMs(ports.timing));
  // A cycle or another request is matching the same e-mail: meet it instead of making a second record.
  if (!held.has(key)) throw busy(`the e-mail of person ${String(person.id)}`);
  try {
    return await matchOrCreate({ ports, mapping, attempt, input, person, key });
  } finally {
    await releaseEmails(ports.db, attempt.holder);
  }
};

const readPerson = async (
  { marketo }: Ports,
  id: number,
  mapping: Mapping,
  { signal }: Attempt,
): Promise<PersonRecord | undefined> => {
  const fields = [...new Set(['id', 'email', 'dynamicsId', ...personFields(mapping)])];
  const { persons } = await marketo.readPersons({ by: 'id', values: [id], fields }, signal);
  return persons[0];
};

const matchOrCreate = async (request: Request): Promise<CreatePersonResult> => {
  const { ports, input, person } = request;
  const [own] = await linksByPerson(ports.db, [input.marketoId]);
  if (own?.status === 'linked') return answer('already-there', own);
  // Reserved by an earlier attempt: the row is made under the id that stands there.
  if (own?.status === 'unmatched') return createRow(request, own);
  if (own?.status === 'ambiguous' || own?.status === 'merged-away') return heldBack(own);
  // A tombstone stops the cycle, not a request: the person is there after all, and its row too.
  if (own !== undefined) return linkAgain(request, own);
  if (await carriesForeignKey(request)) return answer('ambiguous', undefined);
  const rows = await freeRowsOf(request);
  const persons = await freePersonsLike(request);
  const { pairs, ambiguous } = match(
    rows.map(({ row }) => row),
    persons,
  );
  const pair = pairs.find((each) => each.person.marketoId === person.id);
  const found = rows.find(({ row }) => row === pair?.row);
  if (found !== undefined) return linkRow(request, found);
  const group = ambiguous.find((each) => each.persons.some(({ marketoId }) => marketoId === person.id));
  if (group !== undefined) return answer('ambiguous', undefined);
  return createRow(request, await reserve(request));
};

/** Its row was qualified or merged into one that belongs to another person: another row would be one too many. */
export const heldBack = ({ status, successor }: Link): CreatePersonResult => {
  if (status !== 'merged-away') return answer('ambiguous', undefined);
  return answer(
    'merged-away',
    successor === null ? undefined : { kind: successor.kind, dynamicsId: successor.id },
  );
};

/** A twin of a person that has the row already: another row would make the confusion worse. */
const carriesForeignKey = async ({ ports, person }: Request): Promise<boolean> => {
  const key = textOf(person.values['dynamicsId']);
  if (key === null || !isGuid(key)) return false;
  const [link] = await linksByRow(ports.db, [key]);
  return link?.status === 'linked' && link.marketoId !== person.id;
};
