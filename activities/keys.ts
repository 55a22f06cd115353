import type { Link } from '../rules/link.js';
import type { FieldValues } from '../rules/terms.js';

/** The key fields that tie a person to its row. */
export const keyOf = ({ dynamicsId, kind }: Pick<Link, 'dynamicsId' | 'kind'>): FieldValues => ({
  dynamicsId,
  dynamicsType: kind,
  dynamicsDeleted: false,
});
