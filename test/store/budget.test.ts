import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import type { CallBudget } from '../../rules/budget.js';
import type { Lane } from '../../rules/terms.js';
import { createBudget, MARKETO_LIMITS } from '../../store/budget.js';
import { budgetStatements, type Lease } from '../../store/budget-statements.js';
import { openDatabase } from '../../store/database.js';
import {
  busiestSlidingWindow,
  clockAt,
  FIVE_SLOTS,
  grantsIn,
  leaseOf,
  noteGrants,
  twoProcesses,
} from './budget-scene.js';

const processes = twoProcesses();

/** A call that runs until it is told to end. */
const openCall = () => {
  let end = (): void => undefined;
  let begun = (): void => undefined;
  const started = new Promise<void>((resolve) => (begun = resolve));
  const ended = new Promise<void>((resolve) => (end = resolve));
  const call = async (): Promise<void> => {
    begun();
    await ended;
  };
  return { call, started, end: () => end() };
};

/** Starts a call that stays open and waits until it runs. */
const hold = async (budget: CallBudget, lane: Lane) => {
  const { call, started, end } = openCall();
  const done = budget.run({ lane, deadlineMs: 60_000 }, call);
  await Promise.race([started, done]);
  return async () => {
    end();
    await done;
  };
};

describe('a lease', () => {
  const one = { ...FIVE_SLOTS, concurrency: 1 };

  it('of a process that died ends with the deadline of its call', async () => {
    const clock = clockAt();
    leaseOf(await budgetStatements(processes.db, 'marketo', one, clock.now).acquire('cycle', 30_000));
    const survivor = budgetStatements(processes.other, 'marketo', one, clock.now);
    clock.pass(29_999);
    await expect(survivor.acquire('cycle', 30_000)).resolves.toMatchObject({ lack: 'slot' });
    clock.pass(1);
    leaseOf(await survivor.acquire('cycle', 30_000));
  });

  it('that ran out is not taken from its next holder when the first one comes back', async () => {
    const clock = clockAt();
    const statements = budgetStatements(processes.db, 'marketo', one, clock.now);
    const late = leaseOf(await statements.acquire('cycle', 1_000));
    clock.pass(1_000);
    leaseOf(await statements.acquire('cycle', 1_000));
    await statements.release(late);
    await expect(statements.acquire('cycle', 1_000)).resolves.toMatchObject({ lack: 'slot' });
  });

  it('is given back when the call ends, well or badly', async () => {
    const budget = createBudget(processes.db, 'marketo', one);
    const request = { lane: 'cycle', deadlineMs: 60_000 } as const;
    await expect(budget.run(request, () => Promise.resolve('answer'))).resolves.toBe('answer');
    await expect(budget.run(request, () => Promise.reject(new Error('no answer')))).rejects.toThrow(
      'no answer',
    );
    await expect(budget.run(request, () => Promise.resolve('again'))).resolves.toBe('again');
  });

  it('that cannot be given back does not cost the call its answer', async () => {
    const doomed = openDatabase(processes.url);
    const budget = createBudget(doomed, 'marketo', one);
    const answer = budget.run({ lane: 'cycle', deadlineMs: 1_000 }, async () => {
      await doomed.destroy();
      return 'answer';
    });
    await expect(answer).resolves.toBe('answer');
  });
});

describe('a store that does not answer', () => {
  /** Locks what a lease is given back in, while `work` runs. */
  const locked = async (work: () => Promise<void>): Promise<void> =>
    processes.other.transaction().execute(async (transaction) => {
      await sql`lock table call_slots in access exclusive mode`.execute(transaction);
      await work();
    });

  it('holds up neither the answer of a call nor its failure, and has the slots back later', async () => {
    const budget = createBudget(processes.db, 'marketo', FIVE_SLOTS);
    const [well, badly] = [openCall(), openCall()];
    const request = { lane: 'cycle', deadlineMs: 60_000 } as const;
    const answer = budget.run(request, async () => {
      await well.call();
      return 'answer';
    });
    const failure = budget.run(request, async () => {
      await badly.call();
      throw new Error('no answer');
    });
    await Promise.all([well.started, badly.started]);
    await locked(async () => {
      well.end();
      badly.end();
      await expect(answer).resolves.toBe('answer');
      await expect(failure).rejects.toThrow('no answer');
    });
    await budget.settled();
    const held = await processes.db
      .selectFrom('call_slots')
      .where('holder', 'is not', null)
      .selectAll()
      .execute();
    expect(held).toEqual([]);
  });

  it('holds up nobody who gives up; the slot is kept until the call really ends', async () => {
    const budget = createBudget(processes.db, 'marketo', FIVE_SLOTS);
    const stop = new AbortController();
    const { call, started, end } = openCall();
    const run = budget.run({ lane: 'cycle', deadlineMs: 60_000, signal: stop.signal }, call);
    await started;
    const reason = new Error('the worker stops');
    await locked(async () => {
      stop.abort(reason);
      await expect(run).rejects.toBe(reason);
    });
    const held = processes.db.selectFrom('call_slots').where('holder', 'is not', null).select('slot');
    expect(await held.execute()).toHaveLength(1);
    end();
    await expect.poll(() => held.execute()).toEqual([]);
  });

  it('is asked for no call before it knows what the remote asked for', async () => {
    const budget = createBudget(processes.db, 'marketo', FIVE_SLOTS);
    await budget.run({ lane: 'cycle', deadlineMs: 1_000 }, () => Promise.resolve());
    let called = false;
    const stop = new AbortController();
    void budget.pause(600_000);
    const run = budget.run({ lane: 'on-demand', deadlineMs: 1_000, signal: stop.signal }, () => {
      called = true;
      return Promise.resolve();
    });
    await budget.settled();
    await budgetStatements(processes.db, 'marketo', FIVE_SLOTS).acquire('on-demand', 1_000);
    stop.abort('enough');
    await expect(run).rejects.toBe('enough');
    expect(called).toBe(false);
  });
});

describe('two processes', () => {
  it('never exceed the limits together, and both come through', async () => {
    const limits = { ...MARKETO_LIMITS, calls: 24, windowMs: 400, concurrency: 4, share: 1, driftMs: 0 };
    await noteGrants(processes.db, 60_000);
    const budgets = [
      createBudget(processes.db, 'marketo', limits),
      createBudget(processes.other, 'marketo', limits),
    ];
    let running = 0;
    let mostRunning = 0;
    const call = async (): Promise<void> => {
      running += 1;
      mostRunning = Math.max(mostRunning, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
    };
    const lanes: readonly Lane[] = ['cycle', 'on-demand', 'backfill', 'cycle'];
    const runs = budgets.flatMap((budget) =>
      Array.from({ length: 40 }, (_, index) =>
        budget.run({ lane: lanes[index % lanes.length] ?? 'cycle', deadlineMs: 60_000 }, call),
      ),
    );
    await Promise.all(runs);
    const grants = await grantsIn(processes.db);
    expect(grants).toHaveLength(80);
    expect(busiestSlidingWindow(grants, limits.windowMs)).toBeLessThanOrEqual(limits.calls);
    expect(mostRunning).toBeLessThanOrEqual(limits.concurrency);
    await sql`drop table grants; drop function note_grant cascade`.execute(processes.db);
  });

  it('pass slots on: what one gives back, the other gets', async () => {
    const one = { ...FIVE_SLOTS, concurrency: 1 };
    const release = await hold(createBudget(processes.db, 'marketo', one), 'cycle');
    const order: string[] = [];
    const second = createBudget(processes.other, 'marketo', one).run(
      { lane: 'cycle', deadlineMs: 60_000 },
      () => Promise.resolve(order.push('second')),
    );
    order.push('first ends');
    await release();
    await second;
    expect(order).toEqual(['first ends', 'second']);
  });
});

describe('on-demand', () => {
  it('finds a slot while the cycle holds all of its own', async () => {
    const budget = createBudget(processes.db, 'marketo', FIVE_SLOTS);
    const releases = await Promise.all(Array.from({ length: 4 }, () => hold(budget, 'cycle')));
    const stop = new AbortController();
    const fifth = budget.run({ lane: 'cycle', deadlineMs: 60_000, signal: stop.signal }, () =>
      Promise.resolve(),
    );
    const request = { lane: 'on-demand', deadlineMs: 60_000 } as const;
    const elsewhere = createBudget(processes.other, 'marketo', FIVE_SLOTS);
    await expect(budget.run(request, () => Promise.resolve('here'))).resolves.toBe('here');
    await expect(elsewhere.run(request, () => Promise.resolve('there'))).resolves.toBe('there');
    stop.abort('the fifth call of the cycle never ran');
    await expect(fifth).rejects.toBe('the fifth call of the cycle never ran');
    await Promise.all(releases.map((release) => release()));
  });

  it('finds calls of the rate free at every moment at which the cycle takes all it gets', async () => {
    const clock = clockAt();
    const cycle = budgetStatements(processes.db, 'marketo', MARKETO_LIMITS, clock.now);
    const onDemand = budgetStatements(processes.other, 'marketo', MARKETO_LIMITS, clock.now);
    const exhaust = async (): Promise<void> => {
      for (;;) {
        const answer = await cycle.acquire('cycle', 1_000);
        if (answer.lease === undefined) return;
        await cycle.release(answer.lease);
      }
    };
    for (let window = 0; window < 5; window += 1) {
      for (let step = 0; step < 10; step += 1) {
        await exhaust();
        clock.pass(MARKETO_LIMITS.windowMs / 10);
      }
      await exhaust();
      for (let call = 0; call < MARKETO_LIMITS.onDemandReserve.callsPerWindow; call += 1) {
        await onDemand.release(leaseOf(await onDemand.acquire('on-demand', 1_000)));
      }
    }
  });
});

describe('a pause', () => {
  it('holds every process, and is never shortened by another one', async () => {
    const clock = clockAt();
    const limits = MARKETO_LIMITS;
    const pausing = createBudget(processes.db, 'marketo', limits, { now: clock.now });
    const asking = budgetStatements(processes.other, 'marketo', limits, clock.now);
    await pausing.pause(20_000);
    await pausing.pause(5_000);
    await expect(asking.acquire('on-demand', 1_000)).resolves.toMatchObject({ lack: 'rate', waitMs: 20_000 });
    clock.pass(19_999);
    await expect(asking.acquire('on-demand', 1_000)).resolves.toMatchObject({ lack: 'rate', waitMs: 1 });
    clock.pass(1);
    leaseOf(await asking.acquire('on-demand', 1_000));
  });

  it('lasts an hour at most, whatever the remote asks for', async () => {
    const clock = clockAt();
    await createBudget(processes.db, 'marketo', MARKETO_LIMITS, { now: clock.now }).pause(
      Number.POSITIVE_INFINITY,
    );
    const asking = budgetStatements(processes.db, 'marketo', MARKETO_LIMITS, clock.now);
    await expect(asking.acquire('cycle', 1_000)).resolves.toMatchObject({ waitMs: 3_600_000 });
  });

  it('ends for a caller that gives up with the reason, without its call being made', async () => {
    const budget = createBudget(processes.db, 'marketo', MARKETO_LIMITS);
    await budget.pause(600_000);
    const stop = new AbortController();
    let called = false;
    const run = budget.run({ lane: 'cycle', deadlineMs: 1_000, signal: stop.signal }, () => {
      called = true;
      return Promise.resolve();
    });
    const reason = new Error('the worker stops');
    stop.abort(reason);
    await expect(run).rejects.toBe(reason);
    expect(called).toBe(false);
    const held = await processes.db
      .selectFrom('call_slots')
      .select('slot')
      .where('holder', 'is not', null)
      .execute();
    expect(held).toEqual([]);
  });
});

describe('the advice of the remote', () => {
  const startsOf = async (lane: Lane): Promise<number> => {
    const statements = budgetStatements(processes.other, 'dynamics', FIVE_SLOTS);
    const leases: Lease[] = [];
    for (;;) {
      const { lease } = await statements.acquire(lane, 60_000);
      if (lease === undefined) break;
      leases.push(lease);
    }
    await Promise.all(leases.map((lease) => statements.release(lease)));
    return leases.length;
  };

  it('bounds the calls of every process and every lane, within the limit', async () => {
    const budget = createBudget(processes.db, 'dynamics', FIVE_SLOTS);
    const starts = async (): Promise<number[]> => [
      await startsOf('on-demand'),
      await startsOf('cycle'),
      await startsOf('backfill'),
    ];
    expect(await starts()).toEqual([5, 4, 3]);
    await budget.advise(3);
    expect(await starts()).toEqual([3, 2, 1]);
    await budget.advise(1);
    expect(await starts()).toEqual([1, 1, 1]);
    await budget.advise(200);
    expect(await starts()).toEqual([5, 4, 3]);
  });

  it('that makes no sense is not followed', async () => {
    const budget = createBudget(processes.db, 'dynamics', FIVE_SLOTS);
    await budget.advise(Number.NaN);
    expect(await startsOf('on-demand')).toBe(5);
    await budget.advise(0);
    expect(await startsOf('on-demand')).toBe(1);
  });

  it('is given again when another process was told something else meanwhile', async () => {
    const [here, there] = [
      createBudget(processes.db, 'dynamics', FIVE_SLOTS),
      createBudget(processes.other, 'dynamics', FIVE_SLOTS),
    ];
    await here.advise(4);
    await there.advise(2);
    await here.run({ lane: 'cycle', deadlineMs: 1_000 }, () => here.advise(4));
    // Nobody who runs a call waits until its slot is given back.
    await here.settled();
    expect(await startsOf('on-demand')).toBe(4);
  });
});

describe('a budget', () => {
  it('refuses limits and deadlines that make no sense', async () => {
    expect(() => createBudget(processes.db, 'marketo', { ...MARKETO_LIMITS, share: 2 })).toThrow(RangeError);
    const budget = createBudget(processes.db, 'marketo', MARKETO_LIMITS);
    await expect(budget.run({ lane: 'cycle', deadlineMs: 0 }, () => Promise.resolve())).rejects.toThrow(
      RangeError,
    );
    await expect(budget.pause(Number.NaN)).rejects.toThrow(RangeError);
  });

  it('passes on that the store is down', async () => {
    const nowhere = openDatabase('postgres://127.0.0.1:1/none');
    const budget = createBudget(nowhere, 'marketo', MARKETO_LIMITS);
    await expect(budget.run({ lane: 'cycle', deadlineMs: 1_000 }, () => Promise.resolve())).rejects.toThrow(
      'ECONNREFUSED',
    );
    await nowhere.destroy();
  });
});
