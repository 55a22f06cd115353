import { cpus, loadavg } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
import { signIn } from './bare.js';
import { FORMS, measureBurst, type Burst, type Form } from './burst.js';
import { openCampaign } from './campaign.js';
import { besideFirstCycle } from './cycle.js';
import { slowDown } from './doors.js';
import { measureLatency } from './latency.js';
import { judgements, report, type Measured } from './report.js';
import { createTeardown, startStack, type Teardown } from './stack.js';

interface Options {
  readonly people: number;
  readonly requests: number;
  readonly pace: number;
  readonly burst: readonly number[];
  readonly forms: readonly Form[];
  readonly share: number;
  readonly cycle: boolean;
  readonly json: boolean;
}

/** Time that calls take on the servers, as for `npm run bench:remotes`: less than on the real ones. */
const SERVER_TIMES = {
  marketo: { latencyMs: 50 },
  dataverse: { executionTakesTime: true, executionMsPerRead: 20, executionMsPerWrite: 20 },
} as const;

const say = (line: string): void => void process.stderr.write(`${line}\n`);

const measure = async (options: Options, teardown: Teardown): Promise<Measured> => {
  const before = loadavg()[0] ?? 0;
  say(`${options.people} people; gateway, worker, PostgreSQL, Temporal and both systems start`);
  const stack = await startStack({ ...options, say }, teardown);
  const work = measureIn(stack, options, teardown);
  const measured = await Promise.race([work, stack.crashed]);
  if (measured instanceof Error) throw measured;
  const [cpu] = cpus();
  const machine = { cores: cpus().length, model: cpu?.model ?? 'unknown', node: process.versions.node };
  const is = judgements(measured).every(({ judged }) => judged.is === 'within') ? 'within' : 'above';
  return {
    ...{ people: options.people, share: options.share, times: SERVER_TIMES },
    machine: { ...machine, load: [before, loadavg()[0] ?? 0] },
    ...measured,
    verdict: is,
  };
};

const measureIn = async (
  stack: Awaited<ReturnType<typeof startStack>>,
  { requests, pace, burst, forms, cycle }: Options,
  teardown: Teardown,
): Promise<Pick<Measured, 'alone' | 'bursts' | 'besideCycle'>> => {
  await slowDown(stack, SERVER_TIMES);
  const campaign = await openCampaign(stack);
  teardown.add('clients', campaign.close);
  const bare = await signIn(stack);
  const latency = () => measureLatency(stack, campaign, bare, { requests, paceMs: pace });
  say(`${requests} single requests, nothing else going on`);
  const alone = await latency();
  const bursts: Burst[] = [];
  for (const persons of burst) {
    for (const form of forms) {
      say(`${persons} persons at once, ${form === 'trigger' ? 'one to a call' : 'in chunks'}`);
      bursts.push(await measureBurst(stack, campaign, form, persons));
    }
  }
  if (!cycle) return { alone, bursts, besideCycle: null };
  say(`${requests} single requests beside the first cycle`);
  const { result, cycle: meanwhile } = await besideFirstCycle(stack, latency);
  return { alone, bursts, besideCycle: { ...result, cycle: meanwhile } };
};

const whole =
  (least: number, most: number) =>
  (text: string): number => {
    const count = Number(text);
    if (/^\d+$/.test(text) && count >= least && count <= most) return count;
    throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
  };

const sizes = (text: string): number[] => (text === '0' ? [] : text.split(',').map(whole(1, 50_000)));

const shareOf = (text: string): number => {
  const share = Number(text);
  if (share > 0 && share <= 1) return share;
  throw new InvalidArgumentError('Expected a number above 0, up to 1.');
};

const run = async (options: Options): Promise<void> => {
  // Loopback must not go through a proxy.
  process.env['NO_PROXY'] = process.env['no_proxy'] = '127.0.0.1,localhost';
  const teardown = createTeardown();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void teardown.run(say).finally(() => process.exit(1)));
  try {
    const measured = await measure(options, teardown);
    console.log(options.json ? JSON.stringify(measured, null, 2) : report(measured));
    if (measured.verdict === 'above') process.exitCode = 1;
  } finally {
    await teardown.run(say);
  }
};

await new Command('bench:create')
  .description(
    'Creation on demand: from the request reaching the gateway to the row in Dynamics, over the two bare calls; persons a second; calls a person.',
  )
  .option(
    '--people <number>',
    'humans over both systems, whom the first cycle syncs',
    whole(0, 1_000_000),
    50_000,
  )
  .option('--requests <number>', 'single requests, alone and beside the cycle', whole(1, 10_000), 60)
  .option('--pace <ms>', 'from one single request to the next, on average', whole(0, 60_000), 3_000)
  .option(
    '--burst <numbers>',
    'persons at once, one to a call and in chunks; 0 for none',
    sizes,
    [300, 5_000],
  )
  .addOption(new Option('--forms <form...>', 'how they are handed in').choices(FORMS).default(FORMS))
  .option('--share <number>', "share of Marketo's limits that the product may use", shareOf, 0.5)
  .option('--no-cycle', 'leave the first cycle out')
  .option('--json', 'print one JSON object', false)
  .action(run)
  .parseAsync();
