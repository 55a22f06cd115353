import type { Migration } from 'kysely';
import * as links from './0001-links.js';
import * as budgets from './0002-budgets.js';

/** In the order of their names; a migration that was released never changes. */
export const migrations: Record<string, Migration> = {
  '0001-links': links,
  '0002-budgets': budgets,
};
