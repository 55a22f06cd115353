import type { Link as RealLink } from '../../rules/link.js';
import { FIELD_NAMES, fromSide, type FieldName, type Side } from './fields.js';
import type { Names, Observed } from './observed.js';
import type { Claim } from './reference/end.js';
import type { History } from './reference/history.js';
import {
  blankValues,
  emptyWorld,
  next,
  type Link,
  type Parked,
  type Row,
  type World,
} from './reference/state.js';

const nameIn = (names: Names, side: Side, id: unknown): string =>
  names.nameOf(side, String(id)) ?? `${side} ${String(id)}`;

/** What the store says of rows and persons, in the model's words. */
export const claimsOf = (names: Names, { links }: Observed): Claim[] =>
  links.map((link) => ({
    row: nameIn(names, 'dynamics', link.dynamicsId),
    person: link.marketoId === null ? null : nameIn(names, 'marketo', link.marketoId),
    status: link.status === 'ambiguous' ? 'set-aside' : link.status,
    awaits: awaitedBy(names, link),
    parked: Object.keys(link.parked).length > 0,
  }));

const awaitedBy = (names: Names, { status, marketoId, candidates }: RealLink): string | null => {
  if (status !== 'merged-away' || marketoId !== null) return null;
  const person = candidates?.find(({ side }) => side === 'marketo');
  return person === undefined ? null : nameIn(names, 'marketo', person.id);
};

/** The world of the model in which all stands as it really does, and nothing is left to do. */
export const worldOf = (names: Names, real: Observed, history: History): World => {
  const world = emptyWorld();
  for (const [id, { values, key, flagged }] of real.persons)
    world.persons[id] = { id, values: { ...values }, key, flagged, gone: false };
  const kinds = new Map(real.links.map((link) => [nameIn(names, 'dynamics', link.dynamicsId), link.kind]));
  for (const id of names.all('dynamics')) {
    const found = real.rows.get(id);
    const kind = found?.kind ?? kinds.get(id) ?? 'lead';
    world.rows[id] = rowOf(history, { id, kind, values: { ...blankValues(), ...found?.values } });
  }
  const claims = claimsOf(names, real);
  real.links.forEach((link, at) => {
    const claim = claims[at];
    // Nothing is in Dynamics of a request that was refused.
    if (claim === undefined || world.rows[claim.row] === undefined) return;
    world.links.push(linkOf(world, link, claim));
    if (claim.person !== null)
      world.persons[claim.person] ??= {
        ...{ id: claim.person, values: blankValues(), key: null, flagged: false, gone: true },
      };
  });
  return world;
};

const rowOf = (history: History, row: Pick<Row, 'id' | 'kind' | 'values'>): Row => {
  const { state, into } = history.rowFate(row.id);
  return { ...row, state, into, madeOf: history.madeOf(row.id) };
};

const STATUS = { 'set-aside': 'waiting', unmatched: 'waiting' } as const;

const linkOf = (world: World, link: RealLink, { row, person, status, awaits }: Claim): Link => {
  const isAside = status === 'set-aside' && person !== null;
  return {
    ...{ seq: next(world), row, person, awaits, stamp: null, born: null },
    status: isAside ? 'aside' : status === 'set-aside' || status === 'unmatched' ? STATUS[status] : status,
    base: Object.fromEntries(
      FIELD_NAMES.flatMap((name) => {
        const agreed = link.agreed.marketo[name];
        return agreed === undefined ? [] : [[name, [fromSide('marketo', name, agreed)]]];
      }),
    ),
    parked: parkedOf(world, link),
  };
};

const parkedOf = (world: World, { parked }: RealLink): Link['parked'] => {
  const groups = new Map<string | null, number>();
  return Object.fromEntries(
    (Object.entries(parked) as [FieldName, RealLink['parked'][string]][]).map(
      ([name, each]): [string, Parked] => {
        const group = groups.get(each.rejectionId) ?? next(world);
        groups.set(each.rejectionId, group);
        const value = (side: Side) => fromSide(side, name, each[side]);
        return [name, { marketo: value('marketo'), dynamics: value('dynamics'), group }];
      },
    ),
  );
};
