import type { Migration } from 'kysely';
import * as links from './0001-links.js';
import * as budgets from './0002-budgets.js';
import * as dailyUse from './0003-daily-use.js';
import * as succession from './0004-succession.js';
import * as clockSetBack from './0005-clock-set-back.js';
import * as gateway from './0011-gateway.js';

/** In the order of their names; a migration that was released never changes. */
export const migrations: Record<string, Migration> = {
  '0001-links': links,
  '0002-budgets': budgets,
  '0003-daily-use': dailyUse,
  '0004-succession': succession,
  '0005-clock-set-back': clockSetBack,
  '0011-gateway': gateway,
};
