import type { Migration } from 'kysely';
import * as links from './0001-links.js';
import * as budgets from './0002-budgets.js';
import * as dailyUse from './0003-daily-use.js';
import * as succession from './0004-succession.js';
import * as clockSetBack from './0005-clock-set-back.js';
import * as probes from './0006-probes.js';
import * as guard from './0007-guard.js';
import * as scope from './0008-scope.js';
import * as backfill from './0009-backfill.js';
import * as swingsAndErasures from './0010-swings-and-erasures.js';
import * as gateway from './0011-gateway.js';
import * as formerLinks from './0012-former-links.js';

/** In the order of their names; a migration that was released never changes. */
export const migrations: Record<string, Migration> = {
  '0001-links': links,
  '0002-budgets': budgets,
  '0003-daily-use': dailyUse,
  '0004-succession': succession,
  '0005-clock-set-back': clockSetBack,
  '0006-probes': probes,
  '0007-guard': guard,
  '0008-scope': scope,
  '0009-backfill': backfill,
  '0010-swings-and-erasures': swingsAndErasures,
  '0011-gateway': gateway,
  '0012-former-links': formerLinks,
};
