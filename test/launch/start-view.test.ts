import { describe, expect, it } from 'vitest';
import { cycleLine, type EndedCycle } from '../../launch/start/cycles.js';
import { fitted, plainLine, widthOf } from '../../launch/start/text.js';
import { editText } from '../../launch/start/told-edit.js';
import { renderView, type Scene } from '../../launch/start/view.js';

const now = Date.parse('2026-03-01T12:00:30Z');

const cycle: EndedCycle = {
  number: 7,
  startedAt: now - 12_300,
  endedAt: now - 10_000,
  outcome: 'completed',
  counts: {
    ...{ 'fetched.persons': 1204, 'fetched.leads': 1, 'fetched.contacts': 0 },
    ...{ 'diff.marketoEdits': 34, 'diff.dynamicsEdits': 12, 'resolve.collisions': 3 },
    ...{ 'resolve.marketoWon': 33, 'resolve.dynamicsWon': 11, 'resolve.linked': 2, 'resolve.quarantined': 4 },
    ...{ 'toMarketo.records': 12, 'toMarketo.created': 5, 'toDynamics.records': 30, 'toDynamics.refused': 1 },
    ...{ 'toDynamics.deferred': 6, 'rejections.logged': 1 },
  },
};

const status: NonNullable<Scene['status']> = {
  installation: null,
  cycle: null,
  guard: null,
  failedSince: 0,
  links: { linked: 1876, unmatched: 3, ended: 1, tombstone: 2 },
  outOfScope: { links: 0, row: 0, person: 0, hold: 0 },
  dirty: 9,
  openWrites: 4,
  stuck: { count: 0, examples: [] },
  rejections: [
    {
      side: 'dynamics',
      field: 'title',
      code: 'too-long',
      count: 23,
      since: '',
      ...{ probed: false, probedAt: null, probeDueAt: null },
      example: { marketoId: 1, dynamicsId: null },
    },
  ],
  ambiguous: { groups: 14, examples: [] },
  swinging: [],
  notices: [],
  marketoDay: null,
  pendingEntries: 0,
  toBackfill: 0,
  reconciliation: { last: null, open: null },
};

const scene: Scene = {
  now,
  progress: {
    ...{ cycle: 8, step: 'rest', restUntil: new Date(now + 6_400).toISOString() },
    ...{ chunks: 0, chunksDone: 0, counts: {} },
  },
  status,
  last: cycle,
  campaigns: {
    ...{ persons: 12, waiting: 1 },
    last: { marketoId: 1042, outcome: 'created', kind: 'lead', ms: 412 },
  },
  edits: {
    perMinute: 60,
    total: 134,
    recent: Array.from({ length: 10 }, (_, index) => ({ at: now, text: `Marketo   person ${index}` })),
  },
  footer: 'Ctrl-C stops; the next npm start goes on from here.',
};

describe('the live view', () => {
  it('shows the countdown, what the last cycle did, totals, and the latest edits', () => {
    const view = renderView(scene, 80);
    for (const line of [
      'Now           rest: cycle 8 starts in 7 s',
      'took 2.3 s',
      '  fetched     persons 1,204, leads 1, contacts 0',
      '  edits       Marketo 34, Dynamics 12',
      '  collisions  3; values that won: Marketo 33, Dynamics 11',
      '  written     to Marketo 12, to Dynamics 30; created 5',
      '  set aside   refused 1, ambiguous 4, deferred 6',
      'Links         linked 1,876, waiting for a person 3, ended 3',
      '              values refused 23, ambiguous groups 14',
      'Campaigns     12 persons, 1 waiting; last: person 1042 created (lead) in 0.4 s',
      'People edit   60 a minute on both sides, 134 so far',
      '  Marketo   person 9',
    ]) {
      expect(view).toContain(line);
    }
    expect(view).not.toContain('person 3\n');
  });

  it('says which step is at work, and when no worker answers', () => {
    const progress = {
      cycle: 8,
      step: 'sync',
      restUntil: null,
      chunks: 4,
      chunksDone: 1,
      counts: {},
    } as const;
    expect(renderView({ ...scene, progress }, 80)).toContain('cycle 8: sync, chunk 1 of 4 done');
    expect(renderView({ ...scene, progress: null }, 80)).toContain('waiting for the worker to answer');
  });

  it.each([40, 80, 200])('fits into %i columns and 24 lines, and always has as many lines', (columns) => {
    const long = { at: now, text: `Dynamics  lead 1: lastname = ${'周'.repeat(200)}` };
    const nothing = {
      progress: null,
      status: null,
      campaigns: null,
      last: null,
      edits: { perMinute: 0, total: 0, recent: [] },
    };
    const views = [
      scene,
      { ...scene, ...nothing },
      { ...scene, edits: { ...scene.edits, recent: [long] }, footer: 'x'.repeat(500) },
    ].map((one) => renderView(one, columns).split('\n'));
    for (const lines of views) {
      expect(Math.max(...lines.map(widthOf))).toBeLessThan(columns);
      expect(lines.length).toBeLessThanOrEqual(24);
      expect(lines).toHaveLength(views[0]?.length ?? 0);
    }
  });
});

describe('a cycle in one line', () => {
  it('tells what happened', () => {
    expect(cycleLine(cycle)).toBe(
      'Cycle 7 completed in 2.3 s: fetched 1,204 persons, 1 lead, 0 contacts; edits Marketo 34, Dynamics 12; ' +
        '3 collisions (Marketo won 33, Dynamics 11); linked 2; created 5; written to Marketo 12, to Dynamics 30; ' +
        'refused 1; ambiguous 4; deferred 6; logged 1 refusal',
    );
  });

  it('says when there was nothing, and when it failed', () => {
    const idle = { ...cycle, counts: { 'fetched.persons': 0 } };
    expect(cycleLine(idle)).toBe('Cycle 7 completed in 2.3 s: nothing to do');
    expect(cycleLine({ ...idle, outcome: 'failed' })).toMatch(/^Cycle 7 failed in/);
  });
});

describe('an edit in one line', () => {
  it.each([
    [
      { what: 'edit', record: { side: 'marketo', id: 1042 }, values: { city: 'Αθήνα' }, collision: false },
      'Marketo   person 1042: city = Αθήνα',
    ],
    [
      {
        what: 'edit',
        record: { side: 'dynamics', table: 'contacts', id: '1f0c2a9e-0000-4000-8000-000000000000' },
        values: { jobtitle: null },
        collision: true,
      },
      'Dynamics  contact 1f0c2a9e: jobtitle = (blank) (on both sides at once)',
    ],
    [{ what: 'create', table: 'leads', values: { lastname: 'New' }, collision: false }, 'Dynamics  new lead'],
    [
      { what: 'form', form: 'Contact us', values: { email: 'ada@example.com' }, collision: false },
      'Marketo   form Contact us filled in by ada@example.com',
    ],
    [{ what: 'delete', record: { side: 'marketo', id: 7 }, collision: false }, 'Marketo   person 7: deleted'],
  ] as const)('%j', (edit, text) => {
    expect(editText(edit)).toBe(text);
  });
});

describe('text for a terminal', () => {
  it('is measured in columns and cut with an ellipsis', () => {
    expect(widthOf('周さん한글')).toBe(10);
    expect(widthOf('Čestmír e\u0301')).toBe(9);
    expect(fitted('周さん', 5)).toBe('周さ…');
    expect(fitted('as it is', 8)).toBe('as it is');
  });

  it('never steers the terminal', () => {
    expect(plainLine('a\u001b[2J\nb\u202ec')).toBe('a [2J b c');
  });
});
