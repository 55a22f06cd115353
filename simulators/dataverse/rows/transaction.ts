import type { Organization, Table } from '../organization.js';

/** Called before a row is written or deleted, so that a transaction under way can take it back. */
export const remember = (organization: Organization, table: Table, id: string): void => {
  organization.undo?.push(table.rows.restorePoint(id));
};

/**
 * Runs writes that belong together: when one is refused, none of them happened. Version numbers that were used up
 * stay used, as the product's do. Everything inside is synchronous, so nobody reads a state in between.
 */
export const atomically = <T>(organization: Organization, run: () => T): T => {
  const outer = organization.undo;
  const undo: (() => void)[] = [];
  organization.undo = undo;
  const writesBefore = organization.journal.lastWrite();
  try {
    const result = run();
    for (const step of undo) outer?.push(step);
    return result;
  } catch (error) {
    for (const step of undo.reverse()) step();
    organization.journal.takeBack(writesBefore);
    throw error;
  } finally {
    organization.undo = outer;
  }
};
