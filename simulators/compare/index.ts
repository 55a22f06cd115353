import { adminDoors, keyOf, type AdminRecord } from '../admin-doors.js';
import type { FieldPair } from '../population/records.js';
import { readingOf, saysTheSame, SHIPPED_LABELS, type LabelTables } from './equality.js';
import {
  explainer,
  summaryOf,
  type Difference,
  type ExplainedDifference,
  type Explanation,
} from './report.js';

export type { LabelTables } from './equality.js';
export type { Difference, ExplainedDifference, Explanation } from './report.js';
export type { FieldPair } from '../population/records.js';

/** A link as the sync believes it to be. Only links in state `linked` promise equal fields. */
export interface ClaimedLink {
  readonly marketoId: number | null;
  readonly dynamicsId: string | null;
  readonly kind: 'lead' | 'contact';
  readonly state: string;
}

export interface CompareInput {
  /** Origins of the simulators, whose administrative doors are read. */
  readonly marketo: string;
  readonly dataverse: string;
  readonly fields: readonly FieldPair[];
  readonly links: readonly ClaimedLink[];
  readonly explained: readonly Explanation[];
  /** Labels of option columns; without it, those of the simulator as shipped. */
  readonly labels?: LabelTables;
}

export interface Comparison {
  /** Field values looked at, on links whose two records exist. */
  readonly compared: number;
  readonly equal: number;
  readonly explained: readonly ExplainedDifference[];
  /** Empty when both sides are in step. */
  readonly different: readonly Difference[];
  /** All rows that no live link holds, explained or not. */
  readonly unlinkedRows: readonly UnlinkedRow[];
  /** Explanations that nothing needed: what they speak of does not differ. */
  readonly unusedExplanations: readonly Explanation[];
  readonly summaryText: string;
}

export interface UnlinkedRow {
  readonly kind: 'lead' | 'contact';
  readonly dynamicsId: string;
  /** Null when nothing explains it. */
  readonly reason: string | null;
}

interface KnownRow {
  readonly kind: 'lead' | 'contact';
  readonly row: AdminRecord;
}

interface Sides {
  readonly persons: ReadonlyMap<number, AdminRecord>;
  readonly rows: ReadonlyMap<string, KnownRow>;
}

const LIVE = 'linked';

/**
 * Compares both sides as they stand, by its own reading of what is equal. It trusts no claim: a link must lead to two
 * records that exist, each row must have exactly one person, and each person that carries a CRM id must have a link.
 * Nothing may write on either side meanwhile.
 */
export async function compareSides(input: CompareInput): Promise<Comparison> {
  const sides = await readSides(input);
  const live = input.links.filter(({ state }) => state === LIVE);
  const values = compareValues(input, live, sides);
  const unlinked = unlinkedRows(live, input.links, sides);
  const found = [
    ...values.differences,
    ...missingRecords(live, sides),
    ...linkedTwice(live),
    ...strayPersons(input.links, sides),
  ];
  const { explain, unused } = explainer(input.explained);
  const explained: ExplainedDifference[] = [];
  const different: Difference[] = [];
  const judge = (difference: Difference, known: string | null): string | null => {
    const reason = known ?? explain(difference)?.reason ?? null;
    if (reason === null) different.push(difference);
    else explained.push({ ...difference, reason });
    return reason;
  };
  for (const difference of found) judge(difference, null);
  const rows = unlinked.map(({ difference, kind, dynamicsId, reason }) => ({
    kind,
    dynamicsId,
    reason: judge(difference, reason),
  }));
  const { compared, equal } = values;
  return {
    compared,
    equal,
    explained,
    different,
    unlinkedRows: rows,
    unusedExplanations: unused(),
    summaryText: summaryOf({ links: live.length, compared, equal, explained, different }),
  };
}

async function readSides(input: CompareInput): Promise<Sides> {
  const doors = adminDoors(input);
  const persons = new Map<number, AdminRecord>();
  const rows = new Map<string, KnownRow>();
  for await (const page of doors.persons()) {
    for (const person of page) persons.set(Number(person['id']), person);
  }
  for (const [table, kind] of [
    ['leads', 'lead'],
    ['contacts', 'contact'],
  ] as const) {
    for await (const page of doors.rows(table)) {
      for (const row of page) rows.set(keyOf(table, row).toLowerCase(), { kind, row });
    }
  }
  return { persons, rows };
}

const blankDifference = { field: null, marketo: null, dynamics: null } as const;

function compareValues(input: CompareInput, live: readonly ClaimedLink[], { persons, rows }: Sides) {
  const labels = input.labels ?? SHIPPED_LABELS;
  const differences: Difference[] = [];
  let compared = 0;
  for (const { marketoId, dynamicsId } of live) {
    const person = marketoId === null ? undefined : persons.get(marketoId);
    const known = dynamicsId === null ? undefined : rows.get(dynamicsId.toLowerCase());
    if (person === undefined || known === undefined) continue;
    for (const pair of input.fields) {
      const column = pair[known.kind];
      if (column === undefined) continue;
      compared += 1;
      const [marketo, dynamics] = [person[pair.marketo], known.row[column]];
      if (saysTheSame(marketo, dynamics, readingOf(known.kind, column, labels))) continue;
      differences.push({
        what: 'value differs',
        kind: known.kind,
        marketoId,
        dynamicsId,
        field: pair.marketo,
        marketo: marketo ?? null,
        dynamics: dynamics ?? null,
      });
    }
  }
  return { compared, equal: compared - differences.length, differences };
}

function missingRecords(live: readonly ClaimedLink[], { persons, rows }: Sides): Difference[] {
  return live.flatMap(({ marketoId, dynamicsId, kind }) => {
    const person = marketoId !== null && persons.has(marketoId);
    const row = dynamicsId !== null && rows.get(dynamicsId.toLowerCase())?.kind === kind;
    const missing = (what: Difference['what']): Difference => ({
      what,
      kind,
      marketoId,
      dynamicsId,
      ...blankDifference,
    });
    return [...(person ? [] : [missing('person is missing')]), ...(row ? [] : [missing('row is missing')])];
  });
}

function linkedTwice(live: readonly ClaimedLink[]): Difference[] {
  const seen = new Set<string>();
  return live.flatMap(({ marketoId, dynamicsId, kind }) => {
    const keys = [
      ...(marketoId === null ? [] : [`person ${marketoId}`]),
      ...(dynamicsId === null ? [] : [`row ${dynamicsId.toLowerCase()}`]),
    ];
    const again = keys.some((key) => seen.has(key));
    keys.forEach((key) => seen.add(key));
    return again
      ? [{ what: 'linked twice', kind, marketoId, dynamicsId, ...blankDifference } satisfies Difference]
      : [];
  });
}

/** Persons that the sync has made or matched and then lost sight of, as after a repeated create. */
function strayPersons(links: readonly ClaimedLink[], { persons }: Sides): Difference[] {
  const linked = new Set(links.map(({ marketoId }) => marketoId));
  const strays: Difference[] = [];
  for (const [marketoId, { dynamicsId, dynamicsDeleted }] of persons) {
    if (
      typeof dynamicsId !== 'string' ||
      dynamicsId === '' ||
      dynamicsDeleted === true ||
      linked.has(marketoId)
    )
      continue;
    strays.push({
      what: 'person carries a CRM id without a link',
      kind: null,
      marketoId,
      dynamicsId,
      ...blankDifference,
    });
  }
  return strays;
}

function unlinkedRows(live: readonly ClaimedLink[], links: readonly ClaimedLink[], { persons, rows }: Sides) {
  const held = new Set(live.map(({ dynamicsId }) => dynamicsId?.toLowerCase()));
  const ended = new Map(
    links.filter(({ state }) => state !== LIVE).map((link) => [link.dynamicsId?.toLowerCase(), link]),
  );
  return [...rows].flatMap(([dynamicsId, { kind, row }]) => {
    if (held.has(dynamicsId)) return [];
    const link = ended.get(dynamicsId);
    const marketoId = link?.marketoId ?? null;
    const gone = marketoId !== null && link?.state === 'tombstone' && !persons.has(marketoId);
    const reason = isClosed(kind, row)
      ? 'qualified or merged away'
      : gone
        ? 'its person was deleted in Marketo'
        : null;
    const difference: Difference = {
      what: 'row without a person',
      kind,
      marketoId,
      dynamicsId,
      ...blankDifference,
    };
    return [{ difference, kind, dynamicsId, reason }];
  });
}

/** A qualified lead or a row merged into another never gets a person of its own. */
const isClosed = (kind: 'lead' | 'contact', row: AdminRecord): boolean =>
  row['merged'] === true || (kind === 'lead' && row['statecode'] === 1);
