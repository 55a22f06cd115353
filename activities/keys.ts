import type { Link } from '../rules/link.js';
import type { FieldValues } from '../rules/terms.js';

/** The key fields that tie a person to its row. */
export const keyOf = ({ dynamicsId, kind }: Pick<Link, 'dynamicsId' | 'kind'>): FieldValues => ({
  dynamicsId,
  dynamicsType: kind,
  dynamicsDeleted: false,
});

/** The person is to be told its key by the next cycle. */
export const owingKey = (link: Link): Link => ({ ...link, stamp: keyOf(link), dirty: true });

/** The person that carries this row's key belongs to another row: set aside for people to sort out. */
export const keyHeldBy = (link: Link, marketoId: number): Link => ({
  ...link,
  status: 'ambiguous',
  ambiguity: 'key-held',
  candidates: [{ side: 'marketo', id: String(marketoId) }],
  creation: null,
  parked: {},
  dirty: false,
});
