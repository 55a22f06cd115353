import type { Database } from '../../store/database.js';

/** A cycle that has ended, well or not. */
export interface EndedCycle {
  readonly number: number;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly outcome: 'completed' | 'failed';
  /** `<step>.<what>` to a count; what is zero may be missing. */
  readonly counts: Readonly<Record<string, number>>;
}

/** The cycles that ended after the one of that number, in order. */
export const endedCycles = async (db: Database, after: number): Promise<EndedCycle[]> => {
  const rows = await db
    .selectFrom('cycles')
    .selectAll()
    .where('number', '>', after)
    .where('completed_at', 'is not', null)
    .orderBy('number')
    .execute();
  return rows.flatMap(({ number, started_at, completed_at, outcome, counts }) =>
    started_at === null || completed_at === null
      ? []
      : [
          {
            ...{ number, counts, outcome: outcome ?? 'failed' },
            startedAt: started_at.getTime(),
            endedAt: completed_at.getTime(),
          },
        ],
  );
};

/** The number of the last cycle that ended, 0 before the first. */
export const lastNumber = async (db: Database): Promise<number> => {
  const last = await db
    .selectFrom('cycles')
    .select('number')
    .where('completed_at', 'is not', null)
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst();
  return last?.number ?? 0;
};

/** What a cycle did, in the words of the view. */
export interface CycleSummary {
  readonly fetched: { readonly persons: number; readonly leads: number; readonly contacts: number };
  readonly edits: { readonly marketo: number; readonly dynamics: number };
  readonly collisions: number;
  readonly won: { readonly marketo: number; readonly dynamics: number };
  /** Records written to. */
  readonly written: { readonly marketo: number; readonly dynamics: number };
  readonly created: number;
  readonly linked: number;
  readonly refused: number;
  readonly deferred: number;
  readonly ambiguous: number;
  readonly logged: number;
}

export const summaryOf = (counts: EndedCycle['counts']): CycleSummary => {
  const of = (...keys: readonly string[]): number => keys.reduce((sum, key) => sum + (counts[key] ?? 0), 0);
  return {
    fetched: { persons: of('fetched.persons'), leads: of('fetched.leads'), contacts: of('fetched.contacts') },
    edits: { marketo: of('diff.marketoEdits'), dynamics: of('diff.dynamicsEdits') },
    collisions: of('resolve.collisions'),
    won: { marketo: of('resolve.marketoWon'), dynamics: of('resolve.dynamicsWon') },
    written: { marketo: of('toMarketo.records'), dynamics: of('toDynamics.records') },
    created: of('toMarketo.created', 'toDynamics.created'),
    linked: of('resolve.linked'),
    refused: of('resolve.refused', 'toMarketo.refused', 'toDynamics.refused'),
    deferred: of('toMarketo.deferred', 'toDynamics.deferred'),
    ambiguous: of('resolve.quarantined'),
    logged: of('rejections.logged'),
  };
};

export const whole = (number: number): string => number.toLocaleString('en-US');

const plural = (number: number, one: string): string => `${whole(number)} ${one}${number === 1 ? '' : 's'}`;

const secondsOf = ({ startedAt, endedAt }: EndedCycle): string =>
  `${((endedAt - startedAt) / 1000).toFixed(1)} s`;

/** A completed cycle in one plain line; what did not happen is left out. */
export const cycleLine = (cycle: EndedCycle): string => {
  const head = `Cycle ${cycle.number} ${cycle.outcome} in ${secondsOf(cycle)}: `;
  const { fetched, edits, collisions, won, written, ...rest } = summaryOf(cycle.counts);
  const read = fetched.persons + fetched.leads + fetched.contacts;
  const parts = [
    read > 0 &&
      `fetched ${plural(fetched.persons, 'person')}, ${plural(fetched.leads, 'lead')}, ${plural(fetched.contacts, 'contact')}`,
    edits.marketo + edits.dynamics > 0 &&
      `edits Marketo ${whole(edits.marketo)}, Dynamics ${whole(edits.dynamics)}`,
    collisions > 0 &&
      `${plural(collisions, 'collision')} (Marketo won ${whole(won.marketo)}, Dynamics ${whole(won.dynamics)})`,
    rest.linked > 0 && `linked ${whole(rest.linked)}`,
    rest.created > 0 && `created ${whole(rest.created)}`,
    written.marketo + written.dynamics > 0 &&
      `written to Marketo ${whole(written.marketo)}, to Dynamics ${whole(written.dynamics)}`,
    rest.refused > 0 && `refused ${whole(rest.refused)}`,
    rest.ambiguous > 0 && `ambiguous ${whole(rest.ambiguous)}`,
    rest.deferred > 0 && `deferred ${whole(rest.deferred)}`,
    rest.logged > 0 && `logged ${plural(rest.logged, 'refusal')}`,
  ].filter((part) => part !== false);
  const nothing = cycle.outcome === 'failed' ? 'its run in Temporal UI says why' : 'nothing to do';
  return head + (parts.length === 0 ? nothing : parts.join('; '));
};
