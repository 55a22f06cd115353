import { describe, expect, it, onTestFinished } from 'vitest';
import { createMarketo, type Marketo } from '../../marketo/index.js';
import { unlimitedBudget } from '../../rules/budget.js';
import { failureOf, ok, refuse, startRemote, type Remote } from './remote.js';

const SECRET = 'p@ss/w+rd="';

function connect({ url }: Remote): Marketo {
  const settings = {
    endpoint: `${url}/rest`,
    identity: `${url}/identity`,
    clientId: 'c1',
    clientSecret: SECRET,
  };
  const marketo = createMarketo(settings, { budget: unlimitedBudget });
  onTestFinished(() => marketo.close());
  return marketo;
}

describe('The secret', () => {
  it.each([
    ['as an address holds it', encodeURIComponent(SECRET)],
    ['as it is', SECRET],
    ['escaped twice', JSON.stringify(SECRET).slice(1, -1)],
  ])('is struck out of what the identity service says, %s', async (_form, said) => {
    const remote = await startRemote();
    remote.grant = () => refuse('610', `'/oauth/token?client_secret=${said}' not found`);
    const { message } = await failureOf(connect(remote).usageToday());
    expect(message).toContain("client_secret=***' not found");
  });

  it('is struck out where its slashes are escaped', async () => {
    const remote = await startRemote();
    const said = JSON.stringify(SECRET).slice(1, -1).replaceAll('/', '\\/');
    remote.grant = () => ({
      body: `{"success":false,"errors":[{"code":"610","message":"client_secret ${said}."}]}`,
    });
    const { message } = await failureOf(connect(remote).usageToday());
    expect(message).toContain('client_secret ***.');
  });

  it('and the token are struck out of why a record was skipped, as text and as code', async () => {
    const remote = await startRemote();
    remote.answer = ({ token = '' }) =>
      ok([{ status: 'skipped', reasons: [{ code: token, message: `Bearer ${token}, ${SECRET}` }] }]);
    const records = [{ id: 501, title: 'CTO' }];
    const results = await connect(remote).syncPersons({ action: 'updateOnly', lookupField: 'id', records });
    expect(results).toEqual([{ status: 'skipped', code: 'unreadable', message: 'Bearer ***, ***' }]);
  });
});
