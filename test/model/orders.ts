import { askForPass } from '../../store/reconciliations.js';
import { FIELDS } from './fields.js';
import { FORBIDDEN } from './reference/merge.js';
import type { Deed } from './reference/people.js';
import type { Act } from './scenario.js';
import type { Stage } from './stage.js';

/** What an administrator did that the model does not follow. */
export interface Ordered {
  readonly did: 'order';
  readonly what: string;
}

type Order = Extract<Act, { do: 'rule' | 'block' | 'right' | 'pass' }>;

/** Administrators at work. */
export const obey = async (stage: Stage, act: Order): Promise<(Deed | Ordered)[]> => {
  switch (act.do) {
    case 'rule': {
      const message = 'Titles must not shout (data policy).';
      const rules = [{ table: '*', column: 'jobtitle', contains: FORBIDDEN, message }];
      await stage.door('dynamics', 'PUT', '/admin/rules', { rules: act.on ? rules : [] });
      return [{ did: 'turn', to: { rule: act.on } }];
    }
    case 'block':
      await stage.door('marketo', 'PATCH', '/admin/settings', { blockedFields: act.on ? ['title'] : [] });
      return [{ did: 'turn', to: { blocked: act.on } }];
    case 'right': {
      const { kind, field, right, given } = act;
      const column = FIELDS[field].columns[kind];
      if (column === undefined) return [];
      await stage.grant(kind, column, right, given);
      return [{ did: 'order', what: `the right to ${right} ${field} of ${kind}s: ${String(given)}` }];
    }
    case 'pass':
      await askForPass(stage.real.db, 'request', new Date().toISOString());
      return [{ did: 'order', what: 'a pass over all records' }];
  }
};
