import { Command, InvalidArgumentError } from 'commander';
import * as z from 'zod';
import { createDynamics } from '../../dynamics/index.js';
import { createMarketo } from '../../marketo/index.js';
import { unlimitedBudget } from '../../rules/budget.js';
import { dataverseJobs } from './dataverse-jobs.js';
import { marketoJobs } from './marketo-jobs.js';
import { measure, type CountCalls, type Measured } from './measure.js';
import { dynamicsWebApi, nodeMarketo } from './peers.js';
import { isOnPar, report, verdict } from './report.js';
import { startSimulators, type Simulators } from './simulators.js';

const PEOPLE = 8000;
const PERSONS = 1500;

/**
 * Time that calls take on the servers, less than on the real ones. It makes the number of calls, and how many are under
 * way at once, decide; `--bare` shows what the clients themselves cost.
 */
const SERVER_TIMES = {
  marketo: { latencyMs: 50 },
  dataverse: { executionTakesTime: true, executionMsPerRead: 20, executionMsPerWrite: 20 },
} as const;

const told = (bare: boolean): string =>
  bare
    ? 'Servers take no time: this shows what the clients themselves cost.'
    : `Servers take ${SERVER_TIMES.marketo.latencyMs} ms a call of Marketo, ${SERVER_TIMES.dataverse.executionMsPerRead} ms a read and ${SERVER_TIMES.dataverse.executionMsPerWrite} ms a row written of Dataverse.`;

const stats = z.object({ calls: z.number() });
const personPage = z.object({
  persons: z.array(z.object({ id: z.number(), email: z.string().nullish() })),
});
const rowPage = z.object({ rows: z.array(z.object({ leadid: z.string() })) });

/** Persons that one address leads to, and no comma or letter beyond ASCII keeps from being asked for. */
async function somePersons(simulators: Simulators): Promise<{ id: number; email: string }[]> {
  const { persons } = personPage.parse(await simulators.door('marketo', 'persons?limit=5000'));
  const byEmail = new Map<string, { id: number; email: string }[]>();
  for (const { id, email } of persons) {
    if (email == null || !/^[\w.+-]+@[\w.-]+$/.test(email)) continue;
    const key = email.toLowerCase();
    byEmail.set(key, [...(byEmail.get(key) ?? []), { id, email }]);
  }
  return [...byEmail.values()].flatMap((found) => (found.length === 1 ? found : [])).slice(0, PERSONS);
}

async function jobs(simulators: Simulators) {
  const { addresses } = simulators;
  const marketo = createMarketo(
    {
      endpoint: addresses.MARKETO_ENDPOINT,
      identity: addresses.MARKETO_IDENTITY,
      clientId: addresses.MARKETO_CLIENT_ID,
      clientSecret: addresses.MARKETO_CLIENT_SECRET,
    },
    { budget: unlimitedBudget },
  );
  const dynamics = createDynamics(
    {
      url: addresses.DATAVERSE_URL,
      tenantId: addresses.ENTRA_TENANT_ID,
      clientId: addresses.DATAVERSE_CLIENT_ID,
      clientSecret: addresses.DATAVERSE_CLIENT_SECRET,
      tokenEndpoint: addresses.ENTRA_TOKEN_ENDPOINT,
    },
    { budget: unlimitedBudget },
  );
  const { rows } = rowPage.parse(await simulators.door('dataverse', 'rows/leads?limit=2000'));
  const persons = await somePersons(simulators);
  return {
    all: [
      ...marketoJobs({ ours: marketo, theirs: nodeMarketo(addresses), persons }),
      ...dataverseJobs({
        ours: dynamics,
        theirs: await dynamicsWebApi(addresses),
        leads: rows.map(({ leadid }) => leadid),
      }),
    ],
    close: () => {
      marketo.close();
      dynamics.close();
    },
  };
}

function rounds(text: string): number {
  if (/^[1-9]\d?$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected a whole number from 1 to 99.');
}

const options = new Command('bench:remotes')
  .description(
    'Calls and records per second of the connectors, against public clients that do the same job on the same simulators.',
  )
  .option('--rounds <number>', 'measured turns of each client', rounds, 7)
  .option('--only <text>', 'only jobs with this text in their names', '')
  .option('--bare', 'servers that take no time: what the clients themselves cost', false)
  .parse()
  .opts<{ rounds: number; only: string; bare: boolean }>();

const simulators = await startSimulators(PEOPLE);
if (!options.bare) {
  for (const remote of ['marketo', 'dataverse'] as const) {
    await simulators.door(remote, 'settings', SERVER_TIMES[remote]);
  }
}
const { all, close } = await jobs(simulators);
try {
  const countCalls: CountCalls = async (remote) => stats.parse(await simulators.door(remote, 'stats')).calls;
  const measured: Measured[] = [];
  for (const job of all.filter(({ name }) => name.includes(options.only))) {
    process.stderr.write(`${job.remote}: ${job.name}\n`);
    measured.push(await measure(job, options.rounds, countCalls));
  }
  console.log(told(options.bare));
  console.log(
    `Public clients as their documentation shows, one call after the other. ${options.rounds} turns each.\n`,
  );
  console.log(report(measured));
  if (!options.bare) {
    console.log(`\n${verdict(measured)}`);
    if (!measured.every(isOnPar)) process.exitCode = 1;
  }
} finally {
  close();
  await simulators.close();
}
