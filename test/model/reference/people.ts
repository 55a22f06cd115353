import { FIELD_NAMES, type FieldName, type Kind, type Side, type Value } from '../fields.js';
import { rowValues } from './matching.js';
import {
  blankValues,
  copyOf,
  personOf,
  rowOf,
  Unknown,
  type Conditions,
  type Values,
  type World,
} from './state.js';

/** Something that somebody did, with the records that it was done to. */
export type Deed =
  | {
      readonly did: 'edit';
      readonly side: Side;
      readonly record: string;
      readonly field: FieldName;
      readonly value: Value;
    }
  | {
      readonly did: 'create';
      readonly side: Side;
      readonly record: string;
      readonly kind: Kind;
      readonly values: Partial<Values>;
    }
  | { readonly did: 'delete'; readonly side: Side; readonly record: string }
  | { readonly did: 'merge'; readonly side: Side; readonly winner: string; readonly loser: string }
  | { readonly did: 'qualify'; readonly lead: string; readonly contact: string; readonly isNew: boolean }
  | { readonly did: 'turn'; readonly to: Partial<Conditions> };

/** The world after it; undefined where it cannot have been done: then it is not the world that we live in. */
export const after = (before: World, deed: Deed): World | undefined => {
  const world = copyOf(before);
  try {
    act(world, deed);
    return world;
  } catch (error) {
    if (error instanceof Unknown) return undefined;
    throw error;
  }
};

const act = (world: World, deed: Deed): void => {
  switch (deed.did) {
    case 'edit':
      (deed.side === 'marketo' ? personOf(world, deed.record) : rowOf(world, deed.record)).values[
        deed.field
      ] = deed.value;
      return;
    case 'create':
      create(world, deed);
      return;
    case 'delete':
      remove(world, deed);
      return;
    case 'merge':
      if (deed.side === 'marketo') mergePersons(world, deed);
      else Object.assign(rowOf(world, deed.loser), { state: 'merged', into: rowOf(world, deed.winner).id });
      return;
    case 'qualify':
      qualify(world, deed);
      return;
    case 'turn':
      Object.assign(world.conditions, deed.to);
  }
};

const create = (world: World, { side, record: id, kind, values }: Extract<Deed, { did: 'create' }>): void => {
  if (side === 'dynamics') {
    world.rows[id] = {
      id,
      kind,
      values: rowValues({ kind }, values),
      state: 'open',
      into: null,
      madeOf: null,
    };
    return;
  }
  world.persons[id] = { id, values: { ...blankValues(), ...values }, key: null, flagged: false, gone: false };
};

const remove = (world: World, { side, record }: Extract<Deed, { did: 'delete' }>): void => {
  if (side === 'dynamics') {
    rowOf(world, record).state = 'gone';
    return;
  }
  personOf(world, record).gone = true;
  world.events.push({ is: 'deleted', person: record });
};

/** Marketo keeps the winner's values and fills its blanks, the sync's own fields among them. */
const mergePersons = (world: World, deed: Extract<Deed, { did: 'merge' }>): void => {
  const [winner, loser] = [personOf(world, deed.winner), personOf(world, deed.loser)];
  for (const name of FIELD_NAMES) winner.values[name] ??= loser.values[name];
  winner.key ??= loser.key;
  loser.gone = true;
  world.events.push({ is: 'merged', winner: winner.id, loser: loser.id });
};

/** A new contact takes what the lead holds, as far as both tables have the column. */
const qualify = (world: World, { lead: id, contact, isNew }: Extract<Deed, { did: 'qualify' }>): void => {
  const lead = rowOf(world, id);
  Object.assign(lead, { state: 'qualified', into: contact });
  if (!isNew) {
    rowOf(world, contact);
    return;
  }
  const values = rowValues({ kind: 'contact' }, lead.values);
  world.rows[contact] = { id: contact, kind: 'contact', values, state: 'open', into: null, madeOf: id };
};
