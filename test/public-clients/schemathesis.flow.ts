import { afterAll, beforeAll, expect, it } from 'vitest';
import setup from '../global-setup.js';
import { API_KEY, GATEWAY_VARIABLES, startGateway, WEBHOOK_SECRET } from '../support/gateway-process.js';
import { startInstallation } from '../support/running.js';
import { startScratchTemporal } from '../support/scratch-temporal.js';
import { runModule } from './python.js';

/** In the order in which they were started. */
const ends: (() => Promise<void>)[] = [];
let origin: string;

beforeAll(async () => {
  ends.push(await setup());
  const temporal = await startScratchTemporal();
  ends.push(temporal.close);
  const at = await startInstallation({
    ...{ name: 'schemathesis', people: 5, temporal: temporal.address, timing: { overlap: '5s' } },
    variables: GATEWAY_VARIABLES,
  });
  ends.push(() => at.close());
  await at.command('setup');
  const gateway = await startGateway(at);
  ends.push(gateway.kill);
  ({ origin } = gateway);
}, 120_000);
afterAll(async () => {
  for (const end of ends.reverse()) await end();
});

it('schemathesis finds no answer of the gateway that its OpenAPI document does not declare', async () => {
  const options = ['--checks', 'all', '--max-examples', '100', '--seed', '7', '--continue-on-failure'];
  const keys = ['-H', `x-api-key: ${API_KEY}`, '-H', `x-webhook-secret: ${WEBHOOK_SECRET}`];
  const args = ['run', `${origin}/openapi.json`, '--url', origin, ...options, ...keys];
  const { code, said } = await runModule('schemathesis.cli', args, {
    SCHEMATHESIS_HOOKS: 'schemathesis_hooks',
  });
  expect(code, said).toBe(0);
  expect(said).toMatch(/Tested: 8\b/);
}, 300_000);
