import type { Link } from '../../rules/link.js';
import { decidedAbout } from '../../store/ambiguous.js';
import type { Database } from '../../store/database.js';
import { decisionsOf } from '../../store/ledger.js';
import { linksOfRecord } from '../../store/links.js';
import { openRejections } from '../../store/rejections.js';
import type { RecordRef } from '../record.js';
import { explainField, fieldsOf, type FieldExplanation } from './explain-field.js';

/** One link of the record: the living one first, then former ones. */
export interface LinkExplanation {
  readonly link: Pick<
    Link,
    | 'id'
    | 'kind'
    | 'status'
    | 'marketoId'
    | 'dynamicsId'
    | 'dirty'
    | 'candidates'
    | 'successor'
    | 'outOfScope'
    | 'ambiguity'
    | 'decision'
  >;
  readonly fields: readonly FieldExplanation[];
}

/** Lines of the ledger that are looked at: years of a busy link, and bounded. */
const MOST_LINES = 500;

/** Explains a record's fields, or the one that is named. Asks the store alone. */
export async function explainRecord(
  db: Database,
  record: RecordRef,
  field?: string,
): Promise<LinkExplanation[]> {
  const links = await linksAbout(db, record);
  const ids = links.map(({ id }) => id);
  const [decisions, rejections] = await Promise.all([
    decisionsOf(db, ids, MOST_LINES),
    openRejections(db, ids),
  ]);
  return links.map((link) => ({
    link: pick(link),
    fields: fieldsOf(link)
      .filter((name) => field === undefined || name === field)
      .map((name) => explainField(link, name, decisions, rejections)),
  }));
}

/** The record's own links, and rows about which it was decided whether they belong to this person. */
const linksAbout = async (db: Database, record: RecordRef): Promise<Link[]> => {
  const own = await linksOfRecord(db, record);
  if (!('marketoId' in record)) return own;
  const decided = await decidedAbout(db, record.marketoId);
  return [...own, ...decided.filter(({ id }) => !own.some((link) => link.id === id))];
};

const pick = ({
  id,
  kind,
  status,
  marketoId,
  dynamicsId,
  dirty,
  candidates,
  successor,
  outOfScope,
  ambiguity,
  decision,
}: Link): LinkExplanation['link'] => ({
  ...{ id, kind, status, marketoId, dynamicsId, dirty, candidates, successor },
  ...{ outOfScope, ambiguity: status === 'ambiguous' ? ambiguity : null, decision },
});
