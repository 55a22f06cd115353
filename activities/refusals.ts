import { v7 as uuid } from 'uuid';
import { actual, type Link, type Write } from '../rules/link.js';
import { giveUp, park } from '../rules/outcome.js';
import { storableText } from '../rules/storable.js';
import type { FieldValue, Side } from '../rules/terms.js';
import type { Database } from '../store/database.js';
import { saveLinks } from '../store/links.js';
import {
  enqueueActivityEntries,
  recordRejections,
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
}

/** A refusal taken into its link, with what is to be kept and told of it. */
export interface Refused {
  readonly link: Link;
  readonly rejection: Rejection;
  readonly entry: ActivityEntry | undefined;
}

/** Parks the refused fields for exactly their values, and words the entry for the person's activity log. */
export const refuse = (link: Link, refusal: Refusal, cycle: number): Refused => {
  const id = uuid();
  const { side, fields, named } = refusal;
  const writes = link.writes.filter(
    (write) => isPending(write) && write.side === side && fields.includes(write.field),
  );
  let parked = giveUp(link, writes, false);
  for (const field of fields) {
    const values = {
      marketo: actual(link, 'marketo', field) ?? null,
      dynamics: actual(link, 'dynamics', field) ?? null,
    };
    parked = park(parked, field, values, 'refused', id);
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
  const kept = { ...rejection, value: refusal.value };
  return { link: parked, rejection: kept, entry: entryFor(link, kept) };
};

const isPending = ({ state }: Write): boolean => state !== 'settled' && state !== 'superseded';

/** Longest text that Marketo takes for a string attribute. */
const LONGEST = 255;
// A cut may go through the middle of an emoji.
const short = (text: string): string =>
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

/** Keeps refusals and queues their log entries, in the transaction that saves the links. */
export const keepRefusals = async (db: Database, refused: readonly Refused[]): Promise<void> => {
  await recordRejections(
    db,
    refused.map(({ rejection }) => rejection),
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
