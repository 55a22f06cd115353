import { v5 as uuidFrom, v7 as uuid } from 'uuid';
import type { Row } from '../dynamics/index.js';
import type { PersonRecord } from '../marketo/index.js';
import { emailKey } from '../rules/email.js';
import { RemoteFailure } from '../rules/failures.js';
import type { Link } from '../rules/link.js';
import type { MappedField, Mapping } from '../rules/mapping.js';
import { match, type UnmatchedRow } from '../rules/matching.js';
import { KINDS, type FieldValue, type FieldValues, type Kind } from '../rules/terms.js';
import { claimEmails, releaseEmails } from '../store/claims.js';
import { insertLinks, linksByPerson, linksByRow, unmatchedByEmail } from '../store/links.js';
import { recordRequests } from '../store/requests.js';
import { enqueueActivityEntries, recordRejections } from '../store/rejections.js';
import { currentMapping, requireInstallation } from './catalog.js';
import { save } from './claimed.js';
import type { CreatePersonInput, CreatePersonResult } from './contract.js';
import { personFields } from './fetch-marketo.js';
import { sendEntries } from './log-rejections.js';
import { keyOf } from './match-rows.js';
import { refuse } from './refusals.js';
import { rowEmailKey, selectionOf, takesNoPart, textOf } from './rows.js';
import type { Attempt, Ports } from './settings.js';

/** How long a person's e-mail is held for one request: a few calls, each inside its deadline. */
const CLAIM_MS = 10 * 60 * 1000;

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
  const mapping = await currentMapping(ports);
  const person = await readPerson(ports, input.marketoId, mapping, attempt);
  if (person === undefined) return { outcome: 'not-found', kind: null, dynamicsId: null, code: null };
  const key = emailKey(textOf(person.values['email'])) ?? `person ${String(person.id)}`;
  const held = await claimEmails(ports.db, [key], attempt.holder, CLAIM_MS);
  // A cycle or another request is matching the same e-mail: meet it instead of making a second record.
  if (!held.has(key)) throw busy(`the e-mail of person ${String(person.id)}`);
  try {
    return await matchOrCreate({ ports, mapping, attempt, input, person }, key);
  } finally {
    await releaseEmails(ports.db, attempt.holder);
  }
};

const busy = (what: string): RemoteFailure =>
  new RemoteFailure({
    type: 'Busy',
    code: 'claimed',
    message: `${what} is held by another worker`,
    effect: 'none',
  });

const answer = (
  outcome: CreatePersonResult['outcome'],
  link: Pick<Link, 'kind' | 'dynamicsId'> | undefined,
  code: string | null = null,
): CreatePersonResult => ({ outcome, kind: link?.kind ?? null, dynamicsId: link?.dynamicsId ?? null, code });

interface Request {
  readonly ports: Ports;
  readonly mapping: Mapping;
  readonly attempt: Attempt;
  readonly input: CreatePersonInput;
  readonly person: PersonRecord;
}

const readPerson = async (
  { marketo }: Ports,
  id: number,
  mapping: Mapping,
  { signal }: Attempt,
): Promise<PersonRecord | undefined> => {
  const fields = ['id', 'email', 'dynamicsId', ...personFields(mapping)];
  const { persons } = await marketo.readPersons({ by: 'id', values: [id], fields }, signal);
  return persons[0];
};

const matchOrCreate = async (request: Request, key: string): Promise<CreatePersonResult> => {
  const { ports, input, person } = request;
  const [own] = await linksByPerson(ports.db, [input.marketoId]);
  if (own?.status === 'linked') return answer('already-there', own);
  // Reserved by an earlier attempt: the row is made under the id that stands there.
  if (own?.status === 'unmatched') return createRow(request, own);
  const rows = await rowsOf(request, key);
  const persons = await personsOf(request, key);
  const { pairs, ambiguous } = match(
    rows.map(({ row }) => row),
    persons,
  );
  const pair = pairs.find((each) => each.person.marketoId === person.id);
  const found = rows.find(({ row }) => row === pair?.row);
  if (found !== undefined) return link(request, found);
  const group = ambiguous.find((each) => each.persons.some(({ marketoId }) => marketoId === person.id));
  if (group !== undefined) return answer('ambiguous', undefined);
  return createRow(request, await reserve(request, own, key));
};

interface FoundRow {
  readonly row: UnmatchedRow;
  readonly link: Link | undefined;
  readonly read: Row | undefined;
}

/** Rows without a person that this one may belong to: those the store knows, and those that Dynamics has by now. */
const rowsOf = async ({ ports, mapping, attempt, person }: Request, key: string): Promise<FoundRow[]> => {
  const email = textOf(person.values['email']);
  const crmKey = textOf(person.values['dynamicsId']);
  const found: FoundRow[] = [];
  for (const kind of KINDS) {
    const select = selectionOf(mapping.fields[kind]);
    const byEmail =
      email === null ? [] : await ports.dynamics.findByEmail(kind, [email], select, attempt.signal);
    const byKey =
      crmKey === null ? undefined : await ports.dynamics.readRow(kind, crmKey, select, attempt.signal);
    const read = [...byEmail.filter(({ id }) => id !== byKey?.id), ...(byKey === undefined ? [] : [byKey])];
    const links = new Map(
      (
        await linksByRow(
          ports.db,
          read.map(({ id }) => id),
        )
      ).map((each) => [each.dynamicsId, each]),
    );
    for (const row of read) {
      const known = links.get(row.id);
      const free =
        known === undefined ||
        ((known.status === 'unmatched' || known.status === 'ambiguous') && known.marketoId === null);
      if (!free || takesNoPart(row, kind)) continue;
      if (known?.creation?.sentAt != null)
        throw busy(`the row ${row.id}, for which a person is being created,`);
      found.push({ link: known, read: row, row: unmatched(known?.id ?? 0, kind, row.id, rowEmailKey(row)) });
    }
  }
  const seen = new Set(found.map(({ row }) => row.dynamicsId));
  const stored = await unmatchedByEmail(ports.db, [key]);
  return [
    ...found,
    ...stored
      .filter(
        ({ dynamicsId, marketoId }) => dynamicsId !== null && marketoId === null && !seen.has(dynamicsId),
      )
      .map((each) => ({
        link: each,
        read: undefined,
        row: unmatched(each.id, each.kind, each.dynamicsId ?? '', each.emailKey),
      })),
  ];
};

const unmatched = (linkId: number, kind: Kind, dynamicsId: string, key: string | null): UnmatchedRow => ({
  linkId,
  kind,
  dynamicsId,
  emailKey: key,
});

const personsOf = async ({ ports, person, attempt }: Request, key: string) => {
  const own = {
    marketoId: person.id,
    emailKey: emailKey(textOf(person.values['email'])),
    crmKey: textOf(person.values['dynamicsId']),
  };
  if (own.emailKey === null) return [own];
  const query = { by: 'email' as const, values: [key], fields: ['id', 'email', 'dynamicsId'] };
  const { persons } = await ports.marketo.readPersons(query, attempt.signal);
  const others = persons.filter(({ id }) => id !== person.id);
  const taken = new Set(
    (
      await linksByPerson(
        ports.db,
        others.map(({ id }) => id),
      )
    ).map(({ marketoId }) => marketoId),
  );
  const free = others.filter(({ id }) => !taken.has(id));
  return [
    own,
    ...free.map(({ id, values }) => ({ marketoId: id, emailKey: key, crmKey: textOf(values['dynamicsId']) })),
  ];
};

/** Joins a row that is there: the next cycle reads and merges the pair; a request writes no field of an existing row. */
const link = async ({ ports, person, mapping }: Request, found: FoundRow): Promise<CreatePersonResult> => {
  const { row, read } = found;
  const base =
    found.link ??
    (
      await insertLinks(ports.db, [
        {
          kind: row.kind,
          status: 'unmatched',
          marketoId: null,
          dynamicsId: row.dynamicsId,
          emailKey: row.emailKey,
          etag: read?.etag ?? null,
          seen: { marketo: {}, dynamics: {} },
        },
      ])
    )[0];
  if (base === undefined) throw busy(`the row ${row.dynamicsId}`);
  const known = heldBy(person, mapping.fields[row.kind]);
  const [saved] = await save(ports, [
    {
      ...base,
      status: 'linked',
      marketoId: person.id,
      stamp: keyOf(base),
      seen: { ...base.seen, marketo: known },
      creation: null,
      candidates: null,
      dirty: true,
      rereadMarketo: true,
      rereadDynamics: true,
    },
  ]);
  if (saved === undefined) throw busy(`the row ${row.dynamicsId}`);
  return answer('linked', saved);
};

const heldBy = (person: PersonRecord, fields: readonly MappedField[]): FieldValues =>
  Object.fromEntries(fields.map(({ name }) => [name, person.values[name] ?? null]));

/** The id of a row follows from installation, person and generation, so that a repeated creation makes no second row. */
const rowIdOf = (installationId: string, marketoId: number, generation: number): string =>
  uuidFrom(`${String(marketoId)}/${String(generation)}`, installationId);

/** Reserves the link before the row is made: whoever sees the row meets the reservation. */
const reserve = async (request: Request, own: Link | undefined, key: string): Promise<Link> => {
  const { ports, input, person } = request;
  const { id } = await requireInstallation(ports);
  const kind = input.requests[0]?.syncAs ?? 'lead';
  // A tombstone stops the cycle, not a request; the person is here again under the same id only by a restore.
  if (own !== undefined) throw busy(`person ${String(person.id)}`);
  for (let generation = 1; ; generation += 1) {
    const dynamicsId = rowIdOf(id, person.id, generation);
    const [taken] = await linksByRow(ports.db, [dynamicsId]);
    if (taken?.status === 'ended') continue;
    const [reserved] = await insertLinks(ports.db, [
      {
        kind,
        status: 'unmatched',
        marketoId: person.id,
        dynamicsId,
        emailKey: key.startsWith('person ') ? null : key,
        etag: null,
        seen: { marketo: {}, dynamics: {} },
      },
    ]);
    if (reserved === undefined) throw busy(`person ${String(person.id)}`);
    return reserved;
  }
};

const createRow = async (request: Request, reserved: Link): Promise<CreatePersonResult> => {
  const { ports, mapping, person, input, attempt } = request;
  const fields = mapping.fields[reserved.kind];
  const { values, refusals } = rowValues(person, fields);
  const ownerId = input.requests[0]?.ownerId;
  const outcome = await ports.dynamics.writeOne(
    {
      type: 'create',
      kind: reserved.kind,
      id: reserved.dynamicsId ?? '',
      values: Object.fromEntries([...values].map(([{ column }, value]) => [column, value])),
      returnEtag: true,
      ...(ownerId === undefined
        ? {}
        : { binds: { 'ownerid@odata.bind': `/systemusers(${ownerId})` } as const }),
    },
    attempt.signal,
  );
  switch (outcome.status) {
    case 'done':
    case 'exists':
      return settleCreated(
        request,
        reserved,
        values,
        refusals,
        outcome.status === 'done' ? outcome.etag : undefined,
      );
    case 'refused':
      return refused(request, reserved, outcome);
    case 'transient':
      throw new RemoteFailure(outcome.failure);
    default:
      throw busy(`the row ${reserved.dynamicsId ?? ''}`);
  }
};

interface LocalRefusal {
  readonly field: string;
  readonly code: string;
  readonly message: string;
  readonly value: FieldValue;
}

const rowValues = (person: PersonRecord, fields: readonly MappedField[]) => {
  const values = new Map<MappedField, FieldValue>();
  const refusals: LocalRefusal[] = [];
  for (const field of fields) {
    const value = person.values[field.name] ?? null;
    if (!field.creatable || field.codec.canonical('marketo', value) === field.codec.blank) continue;
    const encoded = field.codec.convert('marketo', value);
    if (encoded.ok) values.set(field, encoded.value);
    else refusals.push({ field: field.name, code: encoded.code, message: encoded.message, value });
  }
  return { values, refusals };
};

/**
 * The row is there. What was sent is agreed; the rest is read again by the next cycle, which merges it. A row that
 * existed under our own id is one that a lost answer hid.
 */
const settleCreated = async (
  request: Request,
  reserved: Link,
  values: ReadonlyMap<MappedField, FieldValue>,
  refusals: readonly LocalRefusal[],
  etag: string | undefined,
): Promise<CreatePersonResult> => {
  const { ports, person, mapping } = request;
  const created = etag !== undefined;
  const agreed = { marketo: {} as Record<string, FieldValue>, dynamics: {} as Record<string, FieldValue> };
  for (const [{ name }, value] of created ? values : []) {
    agreed.marketo[name] = person.values[name] ?? null;
    agreed.dynamics[name] = value;
  }
  const held = Object.entries(heldBy(person, mapping.fields[reserved.kind])).filter(
    ([name]) => !Object.hasOwn(agreed.marketo, name),
  );
  let linked: Link = {
    ...reserved,
    status: 'linked',
    etag: etag ?? null,
    stamp: keyOf(reserved),
    agreed,
    seen: { marketo: Object.fromEntries(held), dynamics: {} },
    dirty: true,
    rereadMarketo: true,
    rereadDynamics: true,
  };
  const told = refusals.map(({ field, code, message, value }) => {
    const taken = refuse(linked, { side: 'dynamics', fields: [field], named: true, code, message, value }, 0);
    linked = taken.link;
    return taken;
  });
  const [saved] = await save(ports, [linked]);
  if (saved === undefined) throw busy(`the link of person ${String(person.id)}`);
  await recordRejections(
    ports.db,
    told.map(({ rejection }) => rejection),
  );
  await enqueueActivityEntries(
    ports.db,
    told.flatMap(({ entry }) => entry ?? []),
  );
  return answer('created', saved);
};

/** Final until somebody asks again: the reservation ends, and a later request begins a new one. */
const refused = async (
  request: Request,
  reserved: Link,
  outcome: { readonly code: string; readonly message: string },
): Promise<CreatePersonResult> => {
  const { ports } = request;
  await save(ports, [{ ...reserved, status: 'ended', dirty: false }]);
  await recordRejections(ports.db, [
    {
      id: uuid(),
      linkId: reserved.id,
      cycle: 0,
      side: 'dynamics',
      field: null,
      code: outcome.code,
      message: outcome.message,
      value: null,
    },
  ]);
  return { outcome: 'refused', kind: reserved.kind, dynamicsId: null, code: outcome.code };
};

/** Tells the campaign's person what the action did, and ties the person to its row at once. */
export const recordOutcome = async (
  ports: Ports,
  input: CreatePersonInput & { readonly result: CreatePersonResult },
  attempt: Attempt,
): Promise<void> => {
  const { marketoId, requests, result } = input;
  const [link] = await linksByPerson(ports.db, [marketoId]);
  if (link?.status === 'linked' && link.stamp !== null && result.outcome !== 'already-there') {
    const record = { id: marketoId, ...link.stamp };
    const [answered] = await ports.marketo.syncPersons(
      { action: 'updateOnly', lookupField: 'id', records: [record] },
      attempt.signal,
    );
    if (answered?.status === 'updated') await save(ports, [{ ...link, stamp: null }]);
  }
  await recordRequests(ports.db, marketoId, requests, result);
  if (result.outcome === 'not-found') return;
  await enqueueActivityEntries(
    ports.db,
    requests.map((request) => ({
      id: uuidFrom(request.requestId, REQUESTS),
      linkId: link?.id ?? null,
      marketoId,
      type: 'syncPerson' as const,
      primaryValue: result.dynamicsId ?? String(marketoId),
      attributes: {
        outcome: result.outcome,
        syncAs: request.syncAs,
        recordType: result.kind ?? '',
        campaignId: request.campaignId ?? '',
        requestId: request.requestId,
        message: result.code ?? '',
        ledgerId: uuidFrom(request.requestId, REQUESTS),
      },
      at: new Date().toISOString(),
    })),
  );
  await sendEntries(ports, attempt);
};

/** Name space of the ids of log entries that answer requests: a request that is told twice is told once. */
const REQUESTS = '5f0c2b0e-6f57-4a53-9a0a-0c1d5ad2f2f4';
