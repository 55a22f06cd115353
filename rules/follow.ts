import { draftOf, type Draft } from './draft.js';
import { actual, type BySide, type Link, type Overtaken, type Write } from './link.js';
import type { MappedField } from './mapping.js';
import { recordSeen } from './settle.js';
import type { FieldValue, FieldValues, Kind } from './terms.js';

/**
 * What a pair does about the row that took its row's place:
 *
 * - `move`: it goes over to that row
 * - `set-aside`: another pair stands there; nothing is written until people, or a merge on the other side, settle it
 * - `wait`: a person may be on its way to that row
 * - `close`: there is nobody to go over
 */
export type Step = 'move' | 'set-aside' | 'wait' | 'close';

/** @param other the link of the row that took the place, if the store has one. */
export const stepTo = (link: Link, other: Link | undefined): Step => {
  const hasPerson = link.status !== 'tombstone' && link.status !== 'unmatched';
  if (other === undefined) return 'move';
  if (isExpecting(other)) return 'wait';
  if (other.status === 'linked' || (other.status === 'ambiguous' && other.marketoId !== null))
    return hasPerson ? 'set-aside' : 'close';
  return other.status === 'tombstone' && link.status === 'tombstone' ? 'close' : 'move';
};

/** A person was asked for, and nobody knows yet whether it is there; or the last one is still to be told of its loss. */
const isExpecting = ({ status, marketoId, creation, stamp }: Link): boolean =>
  (status === 'unmatched' && (marketoId !== null || creation?.sentAt != null)) ||
  (status === 'ended' && stamp !== null);

/** The row that a pair goes over to, as it was read. */
export interface NewRow {
  readonly kind: Kind;
  readonly dynamicsId: string;
  readonly etag: string;
  readonly emailKey: string | null;
  /** By field; a field that is missing could not be read. */
  readonly values: FieldValues;
  readonly successor: Link['successor'];
  readonly predecessor: Link['predecessor'];
}

/**
 * The pair of a qualified lead, on the contact made of it. Qualification copies few columns, so that what stands on the
 * contact is judged field by field against what was agreed on the lead.
 *
 * @param person what Marketo holds, by field, as far as it was read just now.
 * @param fields those that are mapped on leads, and on contacts.
 */
export const qualifyInto = (
  link: Link,
  person: FieldValues,
  contact: NewRow,
  { before, after }: { readonly before: readonly MappedField[]; readonly after: readonly MappedField[] },
): Link =>
  settleIn(link, person, contact, after, (field, held) => {
    const former = before.find(({ name }) => name === field.name);
    return former === undefined ? undefined : agreedOnContact(link, former, field, held);
  });

/** The pair of a row that was merged into another: of that one's values nothing is agreed. */
export const mergeInto = (
  link: Link,
  person: FieldValues,
  master: NewRow,
  fields: readonly MappedField[],
): Link => settleIn(link, person, master, fields, () => undefined);

type AgreedOn = (field: MappedField, held: FieldValue) => BySide<FieldValue> | undefined;

const settleIn = (
  link: Link,
  person: FieldValues,
  { values, ...row }: NewRow,
  fields: readonly MappedField[],
  agreedOn: AgreedOn,
): Link => {
  const draft: Draft = {
    ...draftOf(link),
    ...row,
    agreed: { marketo: {}, dynamics: {} },
    seen: { marketo: {}, dynamics: {} },
    writes: link.writes.flatMap((write) => keptWrite(write, fields)),
    overtaken: {},
    parked: {},
    candidates: null,
    dirty: true,
    rereadMarketo: true,
    rereadDynamics: true,
  };
  for (const field of fields) {
    const { name, codec } = field;
    const marketo = Object.hasOwn(person, name) ? person[name] : actual(link, 'marketo', name);
    const held = values[name];
    const agreed = held === undefined ? undefined : agreedOn(field, held);
    const overtaken = link.overtaken[name];
    if (overtaken !== undefined) {
      const before = link.agreed.marketo[name] ?? null;
      const stands = agreed && { before, now: agreed.marketo };
      draft.overtaken[name] = restated(overtaken, field, held ?? null, stands);
    }
    if (agreed !== undefined) {
      draft.agreed.marketo[name] = agreed.marketo;
      draft.agreed.dynamics[name] = agreed.dynamics;
      // What people gave up stays given up where the new row holds the same; the plan sees whether Marketo's value moved.
      const parked = link.parked[name];
      const isHeldStill = codec.canonical('dynamics', parked?.dynamics) === codec.canonical('dynamics', held);
      if (parked?.reason === 'discarded' && isHeldStill)
        draft.parked[name] = { ...parked, dynamics: held ?? null };
    }
    if (marketo !== undefined) recordSeen(draft, codec, 'marketo', name, marketo);
    if (held !== undefined) recordSeen(draft, codec, 'dynamics', name, held);
  }
  return draft;
};

/** An edit that a write of ours covered stays one, against what the new row is taken to have agreed on. */
const restated = (
  overtaken: Overtaken,
  { codec }: MappedField,
  held: FieldValue,
  agreed: { readonly before: FieldValue; readonly now: FieldValue } | undefined,
): Overtaken => {
  const carried = codec.convert('marketo', overtaken.written);
  if (agreed === undefined || !carried.ok) return { ...overtaken, source: held, as: 'collision' };
  const isCarriedOver = codec.canonical('marketo', agreed.before) === codec.canonical('marketo', agreed.now);
  return isCarriedOver
    ? { ...overtaken, source: carried.value }
    : { ...overtaken, source: held, as: 'later' };
};

/**
 * What both sides count as agreed on, so that the merge says what qualification means: nothing for a consent, where the
 * most restrictive value wins; the contact's own value where it was not carried, so that Marketo's goes there; else what
 * was agreed on the lead, against which anything else is an edit.
 */
const agreedOnContact = (
  link: Link,
  former: MappedField,
  field: MappedField,
  held: FieldValue,
): BySide<FieldValue> | undefined => {
  const { name, codec } = field;
  if (field.consent || !Object.hasOwn(link.agreed.marketo, name)) return undefined;
  if (!isCarried(link, former, field, held)) {
    const there = codec.convert('dynamics', held);
    return there.ok ? { marketo: there.value, dynamics: held } : undefined;
  }
  const marketo = link.agreed.marketo[name] ?? null;
  const dynamics = codec.convert('marketo', marketo);
  return dynamics.ok ? { marketo, dynamics: dynamics.value } : undefined;
};

/** A value that a new contact has anyway tells nothing, unless the lead had it too: then it was cleared there. */
const isCarried = (link: Link, former: MappedField, field: MappedField, held: FieldValue): boolean => {
  const { codec, dynamicsColumn } = field;
  const value = codec.canonical('dynamics', held);
  const initial = dynamicsColumn.initial ?? null;
  if (value !== codec.blank && value !== codec.canonical('dynamics', initial)) return true;
  const had = former.codec.convert('dynamics', actual(link, 'dynamics', field.name));
  return had.ok && codec.canonical('marketo', had.value) === value;
};

/**
 * Writes to the old row are over: whatever becomes of them there is nobody's edit here. Those to the person stay known for
 * ours, in case that their entries in the log, or a late effect, still come.
 */
const keptWrite = (write: Write, fields: readonly MappedField[]): Write[] => {
  if (write.side === 'dynamics' || write.state === 'planned') return [];
  const codec = fields.find(({ name }) => name === write.field)?.codec;
  const source = codec?.convert('marketo', write.to);
  const state = write.state === 'settled' ? 'settled' : 'superseded';
  return [{ ...write, state, ...(source?.ok === true && { source: source.value }) }];
};
