import type { RowCreate, RowOutcome } from '../dynamics/index.js';
import type { PersonRecord } from '../marketo/index.js';
import { emailKey } from '../rules/email.js';
import { RemoteFailure } from '../rules/failures.js';
import type { Link } from '../rules/link.js';
import type { MappedField, Mapping } from '../rules/mapping.js';
import type { FieldValue, FieldValues, Kind } from '../rules/terms.js';
import { separatedPersons, type Addressed } from '../store/ambiguous.js';
import type { Database } from '../store/database.js';
import { linksByPerson, saveLinks } from '../store/links.js';
import { save } from './claimed.js';
import { until } from './deadline.js';
import type { CreatePersonResult, PersonRequest } from './contract.js';
import { tokenOf } from './failures.js';
import { answer, busy, type Request } from './request.js';
import { keyOf } from './keys.js';
import { kindFor, reserveRows, type RowIds } from './reserve-rows.js';
import { heldBy } from './link-row.js';
import { agreedAtBirth } from './new-person.js';
import { readStrongly } from './refused-fields.js';
import { EMAIL_COLUMN } from './rows.js';
import { isDuplicate, withTwin } from './twin.js';
import { keepRefusals, refuse, saveWithRefusals, type Refused } from './refusals.js';

/** Reserves a person's row and makes it. */
export const createNewRow = async (request: Request, rowIds: RowIds): Promise<CreatePersonResult> => {
  const { ports, input, person } = request;
  const at = moment(request);
  const { creation, refusals } = begunAs(request, kindFor(input), null, at);
  const [reserved] = await reserveRows(ports, [request], rowIds, () => creation);
  if (reserved === undefined) throw busy(`person ${String(person.id)}`);
  return makeReserved(request, { reserved, refusals, deadline: at.deadline });
};

/** Makes the row of an earlier reservation; one that is read under our own id is what a lost answer hid. */
export const createRow = async (request: Request, reservation: Link): Promise<CreatePersonResult> => {
  const { ports, person } = request;
  const at = moment(request);
  const { link, refusals } = begun(request, reservation, at);
  const [reserved] = await save(ports, [link]);
  if (reserved === undefined) throw busy(`the link of person ${String(person.id)}`);
  return makeReserved(request, { reserved, refusals, deadline: at.deadline });
};

/** When a call is sent, and until when it may take effect. */
interface Sending {
  readonly sentAt: string;
  readonly deadline: string;
}

const moment = ({ ports: { timing } }: Request): Sending => {
  const now = Date.now();
  return {
    sentAt: new Date(now).toISOString(),
    deadline: new Date(now + timing.dynamicsDeadlineMs).toISOString(),
  };
};

interface Reserved {
  readonly reserved: Link;
  readonly refusals: readonly LocalRefusal[];
  readonly deadline: string;
}

/**
 * What is sent was noted first: a repeated call carries the same, and a worker that wakes late finds its reservation taken
 * over.
 */
const makeReserved = async (
  request: Request,
  { reserved, refusals, deadline }: Reserved,
): Promise<CreatePersonResult> => {
  const { ports, mapping, attempt } = request;
  const operation = operationOf(request, reserved, mapping.fields[reserved.kind]);
  const signal = until(attempt.signal, deadline);
  const said = await proven(ports, operation, await makeRow(request, operation, signal), signal);
  const outcome = await explained(ports, operation, said, signal);
  switch (outcome.status) {
    case 'done':
      return settleCreated(request, reserved, refusals, outcome.etag ?? null);
    case 'exists':
      return settleCreated(request, reserved, refusals, null);
    case 'refused':
      return takeRefusal(request, reserved, outcome);
    case 'transient':
      throw new RemoteFailure(outcome.failure);
    case 'changed':
    case 'gone':
      throw busy(`the row ${reserved.dynamicsId ?? ''}`);
  }
};

/** The reservation with what is to be sent, and since when; what a row cannot take is told apart. */
export const begun = (
  request: Request,
  reservation: Link,
  at: Sending,
): { readonly link: Link; readonly refusals: readonly LocalRefusal[] } => {
  const { creation, refusals } = begunAs(request, reservation.kind, reservation.creation, at);
  return { link: { ...reservation, creation }, refusals };
};

const begunAs = (
  { person, mapping }: Request,
  kind: Kind,
  before: Link['creation'],
  at: Sending,
): { readonly creation: NonNullable<Link['creation']>; readonly refusals: readonly LocalRefusal[] } => {
  const { values, refusals } = sendable(person, mapping.fields[kind]);
  const noted = before && stillCreatable(before.values, mapping.fields[kind]);
  return { creation: { values: noted ?? values, ...at }, refusals };
};

/** A right that was lost since is not sent again, and what is not sent is nothing that the sides agree on. */
const stillCreatable = (values: FieldValues, fields: readonly MappedField[]): FieldValues =>
  Object.fromEntries(
    fields.flatMap(({ name, creatable }) =>
      creatable && Object.hasOwn(values, name) ? [[name, values[name] ?? null]] : [],
    ),
  );

/** A refusal because of another row says which one. */
export const explained = (
  { dynamics }: Request['ports'],
  operation: RowCreate,
  outcome: RowOutcome,
  signal: AbortSignal,
): Promise<RowOutcome> =>
  withTwin(dynamics, { ...operation, email: operation.values[EMAIL_COLUMN] }, outcome, signal);

/** People who decided that the rows of this address are somebody else's have decided about duplicates. */
const makeRow = async (
  { ports: { db, dynamics }, person }: Request,
  operation: RowCreate,
  signal: AbortSignal,
): Promise<RowOutcome> => {
  const outcome = await dynamics.writeOne(operation, signal);
  if (!isDuplicate(outcome)) return outcome;
  const separated = await separatedPersons(db, [addressed(person.id, operation)]);
  if (!separated.has(person.id)) return outcome;
  return dynamics.writeOne({ ...operation, duplicatesAllowed: true }, signal);
};

/** By the address that the row would get: what was decided about another one says nothing of it. */
export const addressed = (marketoId: number, { values }: RowCreate): Addressed => ({
  marketoId,
  emailKey: emailKey(values[EMAIL_COLUMN]),
});

/** A row that is said to be there may be another one, of another key: ours is believed in once it was read. */
const proven = async (
  { dynamics }: Request['ports'],
  { kind, id }: RowCreate,
  outcome: RowOutcome,
  signal: AbortSignal,
): Promise<RowOutcome> => {
  if (outcome.status !== 'exists' || (await dynamics.readRow(kind, id, [], signal)) !== undefined) {
    return outcome;
  }
  if (outcome.otherwise === undefined) throw busy(`the row ${id}`);
  return outcome.otherwise;
};

export const operationOf = (
  { input }: Request,
  { kind, dynamicsId, creation }: Link,
  fields: readonly MappedField[],
): RowCreate => {
  const values: Record<string, FieldValue> = {};
  for (const { name, column, codec, creatable } of fields) {
    const value = creation?.values[name];
    if (value === undefined || !creatable) continue;
    const encoded = codec.convert('marketo', value);
    if (encoded.ok) values[column] = encoded.value;
  }
  const binds = ownerOf(input.requests[0]);
  return {
    type: 'create',
    kind,
    id: dynamicsId ?? '',
    values,
    returnEtag: true,
    ...(binds === undefined ? {} : { binds }),
  };
};

const ownerOf = (request: PersonRequest | undefined): RowCreate['binds'] => {
  if (request?.ownerId === undefined) return undefined;
  const owners = request.ownerType === 'team' ? 'teams' : 'systemusers';
  return { 'ownerid@odata.bind': `/${owners}(${request.ownerId})` };
};

export interface LocalRefusal {
  readonly field: string;
  readonly code: string;
  readonly message: string;
  readonly value: FieldValue;
}

/** What of a person a new row can take, in Marketo's form, and what it cannot. */
const sendable = (person: PersonRecord, fields: readonly MappedField[]) => {
  const values: Record<string, FieldValue> = {};
  const refusals: LocalRefusal[] = [];
  for (const { name, codec, creatable } of fields) {
    const value = person.values[name] ?? null;
    if (!creatable || codec.canonical('marketo', value) === codec.blank) continue;
    const encoded = codec.convert('marketo', value);
    if (encoded.ok) values[name] = value;
    else refusals.push({ field: name, code: encoded.code, message: encoded.message, value });
  }
  return { values, refusals };
};

/** The row is there. What was sent is agreed; the rest is read again by the next cycle, which merges it. */
export const settleCreated = async (
  request: Request,
  reserved: Link,
  refusals: readonly LocalRefusal[],
  etag: string | null,
): Promise<CreatePersonResult> => {
  const { ports, person } = request;
  const { link, told } = linkCreated(request, { ...reserved, etag }, refusals);
  const saved = await ports.db.transaction().execute(async (tx) => {
    const [kept] = (await saveLinks(tx, [link], ports.timing.overlapMs)).values();
    if (kept !== undefined) await keepRefusals(tx, told);
    return kept;
  });
  if (saved !== undefined) return answer('created', saved);
  // The cycle met the new row first, and completed the pair by the reservation.
  const [joined] = await linksByPerson(ports.db, [person.id]);
  if (joined?.status === 'linked' && joined.id === reserved.id) return answer('created', joined);
  throw busy(`the link of person ${String(person.id)}`);
};

export const linkCreated = (
  { person, mapping }: Request,
  reserved: Link,
  refusals: readonly LocalRefusal[],
): { readonly link: Link; readonly told: readonly Refused[] } => {
  const fields = mapping.fields[reserved.kind];
  const agreed = agreedAtBirth(reserved, fields);
  let link: Link = {
    ...reserved,
    status: 'linked',
    stamp: keyOf(reserved),
    agreed,
    seen: { marketo: heldBy(person, fields), dynamics: {} },
    creation: null,
    dirty: true,
    rereadMarketo: true,
    rereadDynamics: true,
  };
  const told = refusals.map(({ field, ...refusal }) => {
    const taken = refuse(
      link,
      { side: 'dynamics', fields: [field], named: true, local: true, ...refusal },
      0,
    );
    link = taken.link;
    return taken;
  });
  return { link, told };
};

/** A column that may not be written after all is left out of the next attempt; anything else is final. */
const takeRefusal = async (
  request: Request,
  reserved: Link,
  outcome: RowRefusal,
): Promise<CreatePersonResult> => {
  const { ports, mapping, attempt } = request;
  if (outcome.scope === 'column-rights' || outcome.scope === 'schema') {
    const columns = ({ fields }: Mapping): string[] =>
      Object.keys(operationOf(request, reserved, fields[reserved.kind]).values);
    const now = columns(await readStrongly(ports, attempt.signal));
    if (now.length < columns(mapping).length) throw busy(`the schema of ${reserved.kind}`);
  }
  await endReservations(ports, [{ reserved, outcome }]);
  return { ...answer('refused', undefined, tokenOf(outcome.code) ?? 'refused'), kind: reserved.kind };
};

export type RowRefusal = Extract<RowOutcome, { status: 'refused' }>;

/**
 * Final until somebody asks again: the reservations end, and a later request begins new ones. A person that is still to be
 * told of the row that it lost is told by the cycle.
 */
export const endReservations = async (
  ports: Request['ports'],
  ending: readonly { readonly reserved: Link; readonly outcome: RowRefusal }[],
  whileSaving?: (tx: Database) => Promise<void>,
): Promise<void> => {
  const refused = ending.map(({ reserved, outcome: { code, message } }): Refused => {
    const isOwed = reserved.stamp !== null;
    const ended = { ...reserved, status: 'ended' as const, creation: null, dirty: isOwed };
    const refusal = { side: 'dynamics' as const, fields: [], named: false, code, message, value: null };
    // The action's own entry tells the person.
    return { ...refuse(ended, refusal, 0), entry: undefined };
  });
  const links = refused.map(({ link }) => link);
  await saveWithRefusals(ports, links, refused, whileSaving);
};
