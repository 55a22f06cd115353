import { describe, expect, it } from 'vitest';
import { marketoScene } from './marketo-scene.js';
import { stepsOf } from './python.js';

describe('marketorestpython', () => {
  it('describes persons', async () => {
    const { simulator } = await marketoScene();
    const steps = await stepsOf('marketorestpython_flow.py', {
      ...simulator.environment,
      MARKETO_ORIGIN: simulator.origin,
    });
    expect(steps.get('describe')?.['result']).toContainEqual(
      expect.objectContaining({ rest: { name: 'email', readOnly: false }, dataType: 'email' }),
    );
  });
});
