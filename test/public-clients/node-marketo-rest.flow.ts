import Marketo from 'node-marketo-rest';
import { describe, expect, it } from 'vitest';
import { marketoScene, type MarketoScene } from './marketo-scene.js';

const clientOf = ({ simulator }: MarketoScene): Marketo =>
  new Marketo({
    endpoint: simulator.environment['MARKETO_ENDPOINT'] ?? '',
    identity: simulator.environment['MARKETO_IDENTITY'] ?? '',
    clientId: simulator.environment['MARKETO_CLIENT_ID'] ?? '',
    clientSecret: simulator.environment['MARKETO_CLIENT_SECRET'] ?? '',
    retry: { initialDelay: 20, maxDelay: 100 },
  });

describe('node-marketo-rest', () => {
  it('gets a token and describes persons', async () => {
    const scene = await marketoScene();
    const client = clientOf(scene);
    expect(await client.getOAuthToken()).toMatchObject({
      token_type: 'bearer',
      scope: 'api@123-abc-456.example',
    });
    const { result } = await client.lead.describe();
    expect(result).toContainEqual(
      expect.objectContaining({ rest: { name: 'email', readOnly: false }, dataType: 'email' }),
    );
  });

  it('fetches a token anew, by itself, when all tokens expire', async () => {
    const scene = await marketoScene({ persons: [{ email: 'ada@x.io' }] });
    const client = clientOf(scene);
    await client.lead.byId(1001);
    await scene.admin('POST', '/tokens/expire');
    expect((await client.lead.byId(1001)).result).toMatchObject([{ id: 1001, email: 'ada@x.io' }]);
    expect(await scene.admin('GET', '/journal/summary')).toMatchObject({ 'GET /identity/oauth/token': 2 });
  });
});
