import type { PersonRecord } from '../marketo/index.js';
import { emailKey } from '../rules/email.js';
import type { Mapping } from '../rules/mapping.js';
import { claimEmails, releaseEmails } from '../store/claims.js';
import { holdsOfPersons } from '../store/holds.js';
import { linksByPerson } from '../store/links.js';
import { currentMapping } from './catalog.js';
import { claimMs } from './claimed.js';
import type { CreatePersonInput, CreatePersonResult } from './contract.js';
import { createNewRow, createRow } from './create-row.js';
import { personFields } from './person-fields.js';
import { freePersonsLike, freeRowsOf } from './free-records.js';
import {
  carriersOfForeignKeys,
  contested,
  heldBack,
  judgeFound,
  judgeOwn,
  matchCandidates,
} from './judge-person.js';
import { linkAgain, linkRow } from './link-row.js';
import { answer, busy, type Request } from './request.js';
import { freeRowIds } from './reserve-rows.js';
import { textOf } from './rows.js';
import type { Attempt, Ports } from './settings.js';
import { withdraw } from './withdraw-reservation.js';

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
  const [[link], mapping] = await Promise.all([
    linksByPerson(ports.db, [input.marketoId]),
    currentMapping(ports),
  ]);
  if (link?.status === 'linked') return answer('already-there', link);
  if (link?.status === 'merged-away') return heldBack(link);
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
  const [[own], holds] = await Promise.all([
    linksByPerson(ports.db, [input.marketoId]),
    holdsOfPersons(ports.db, [person.id]),
  ]);
  const judged = judgeOwn(request, own, holds.size > 0);
  switch (judged.do) {
    case 'answer':
      return judged.result;
    case 'make':
      return createRow(request, judged.link);
    case 'withdraw':
      return withdraw(request, judged.link);
    case 'link-again':
      return linkAgain(request, judged.link);
    case 'match':
      return matchNew(request);
  }
};

/** A person that no link holds. */
const matchNew = async (request: Request): Promise<CreatePersonResult> => {
  const { ports, person, attempt } = request;
  if ((await carriersOfForeignKeys(ports.db, [person])).size > 0) return answer('ambiguous', undefined);
  // The store is asked while Dynamics is: what it says of this person stands as long as the e-mail is claimed.
  const [rows, rowIds] = await Promise.all([freeRowsOf(request), freeRowIds(ports, [person.id])]);
  const others = await freePersonsLike(ports, [person], contested([person], rows), attempt.signal);
  const judged = judgeFound(request, rows, matchCandidates({ rows, ...others }));
  switch (judged.do) {
    case 'answer':
      return judged.result;
    case 'link':
      return linkRow(request, judged.row);
    case 'create':
      return createNewRow(request, rowIds);
  }
};
