import { v7 as uuid } from 'uuid';
import { heldValues, WHOLE_RECORD, type Link, type Write } from '../rules/link.js';
import { giveUp, park } from '../rules/outcome.js';
import { storableText } from '../rules/storable.js';
import { across, type FieldValue, type Side } from '../rules/terms.js';
import { isRefusedAgain, putBack } from '../rules/trials.js';
import type { Database } from '../store/database.js';
import { saveLinks } from '../store/links.js';
import {
  enqueueActivityEntries,
  recordRejections,
  replaceTried,
  returnTried,
  untoldRejections,
  type ActivityEntry,
  type Rejection,
} from '../store/rejections.js';
import type { Ports } from './settings.js';

/** What a target, or its metadata, said of a write for good. */
export interface Refusal {
  readonly side: Side;
  /** Fields that it concerns: one that the error names, or all of the record. */
  readonly fields: readonly string[];
  readonly named: boolean;
  readonly code: string;
  readonly message: string;
  readonly value: FieldValue;
  /** What the refused write carried, where it is known apart from what the other side holds by now. */
  readonly source?: FieldValue;
  /** Metadata refused it, without a call. */
  readonly local?: true;
}

/** A refusal taken into its link, with what is to be kept and told of it. */
export interface Refused {
  readonly link: Link;
  /** Fields that it parks, or that it puts back. */
  readonly fields: readonly string[];
  /** Absent where nothing is new: what was on trial was refused as before. */
  readonly rejection?: Rejection;
  readonly entry?: ActivityEntry | undefined;
  /** Rejections whose trial ended as before. */
  readonly returned: readonly string[];
}

/**
 * Parks the refused fields for exactly their values, and words the entry for the person's activity log. Fields on trial
 * that are refused as before go back, told once already; then others of the same write are not judged by it.
 */
export const refuse = (link: Link, refusal: Refusal, cycle: number): Refused => {
  const { side, named } = refusal;
  const fields = refusal.fields.length === 0 ? [WHOLE_RECORD] : refusal.fields;
  const back = fields.filter((field) => isRefusedAgain(link.parked[field], refusal));
  if (back.length > 0) return putBackAll(link, side, back);
  const id = uuid();
  let parked = withoutWrites(link, side, fields);
  const { code, local } = refusal;
  for (const field of fields) {
    // The other side may hold a newer edit by now, which is still to be tried; or be given back the one that was refused.
    const carried = link.writes.findLast(
      (write) => isPending(write) && write.side === side && write.field === field,
    );
    const source = refusal.source ?? carried?.source;
    const values = {
      ...heldValues(link, field),
      ...(source !== undefined && { [across(side)]: source }),
    };
    parked = park(parked, field, values, 'refused', id, { side, code, ...(local === true && { local }) });
  }
  const field = named ? (fields[0] ?? null) : null;
  const rejection = {
    id,
    linkId: link.id,
    cycle,
    side,
    field,
    code: refusal.code,
    message: storableText(refusal.message),
  };
  const kept = { ...rejection, value: refusal.value, ...(local === true && { local }) };
  return { link: parked, fields, rejection: kept, entry: entryFor(link, kept), returned: [] };
};

const putBackAll = (link: Link, side: Side, fields: readonly string[]): Refused => {
  const parked = fields.flatMap((field) => {
    const tried = link.parked[field];
    return tried === undefined ? [] : [[field, putBack(tried)] as const];
  });
  const returned = new Set(parked.flatMap(([, { rejectionId }]) => rejectionId ?? []));
  const rested = withoutWrites(link, side, fields);
  return {
    link: { ...rested, parked: { ...rested.parked, ...Object.fromEntries(parked) } },
    fields,
    returned: [...returned],
  };
};

const withoutWrites = (link: Link, side: Side, fields: readonly string[]): Link =>
  giveUp(
    link,
    link.writes.filter((write) => isPending(write) && write.side === side && fields.includes(write.field)),
    false,
  );

const isPending = ({ state }: Write): boolean => state !== 'settled' && state !== 'superseded';

/** Longest text that Marketo takes for a string attribute. */
const LONGEST = 255;
/** As much of a text as the activity log takes; a cut may go through the middle of an emoji. */
export const short = (text: string): string =>
  text.length <= LONGEST ? text : storableText(`${text.slice(0, LONGEST - 1)}…`);

const entryFor = (link: Link, rejection: Rejection): ActivityEntry | undefined => {
  if (link.marketoId === null) return undefined;
  return {
    id: rejection.id,
    linkId: link.id,
    marketoId: link.marketoId,
    type: 'refused',
    primaryValue: link.dynamicsId ?? String(link.marketoId),
    attributes: {
      direction: rejection.side === 'dynamics' ? 'marketoToDynamics' : 'dynamicsToMarketo',
      field: short(rejection.field ?? 'record'),
      code: rejection.code,
      message: short(rejection.message),
      ledgerId: rejection.id,
    },
    at: new Date().toISOString(),
  };
};

/** What was refused while a person was being made is told on its log as soon as it is there. */
export const tellNewborn = async (db: Database, links: readonly Link[]): Promise<void> => {
  const untold = await untoldRejections(
    db,
    links.map(({ id }) => id),
  );
  const byId = new Map(links.map((link) => [link.id, link]));
  const entries = untold.flatMap((rejection) => {
    const link = byId.get(rejection.linkId);
    return link === undefined ? [] : (entryFor(link, rejection) ?? []);
  });
  await enqueueActivityEntries(db, entries);
};

/** Refusals that were not known before. */
export const countNew = (refused: readonly Refused[]): number =>
  refused.filter(({ rejection }) => rejection !== undefined).length;

/** Keeps refusals and queues their log entries, in the transaction that saves the links. */
export const keepRefusals = async (db: Database, refused: readonly Refused[]): Promise<void> => {
  const rejections = refused.flatMap(({ rejection }) => rejection ?? []);
  await replaceTried(
    db,
    rejections.map(({ linkId }) => linkId),
  );
  await recordRejections(db, rejections);
  await returnTried(
    db,
    refused.flatMap(({ returned }) => returned),
  );
  await enqueueActivityEntries(
    db,
    refused.flatMap(({ entry }) => entry ?? []),
  );
};

/** Saves links and the refusals of those that were saved, in one transaction. */
export const saveWithRefusals = (
  { db, timing }: Ports,
  links: readonly Link[],
  refused: readonly Refused[],
  whileSaving?: (tx: Database, saved: readonly Link[]) => Promise<void>,
): Promise<Map<number, Link>> =>
  db.transaction().execute(async (tx) => {
    const saved = await saveLinks(tx, links, timing.overlapMs);
    await keepRefusals(
      tx,
      refused.filter(({ link }) => saved.has(link.id)),
    );
    await whileSaving?.(tx, [...saved.values()]);
    return saved;
  });
