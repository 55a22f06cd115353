import type { Answer, Trouble } from './scenario.js';
import type { Stage } from './stage.js';

type Fault = Readonly<Record<string, unknown>>;
const alike = (fault: Fault): Readonly<Record<'marketo' | 'dynamics', Fault>> => ({
  marketo: fault,
  dynamics: fault,
});

/** What the administrative doors call these answers. */
const FAULTS: Readonly<Record<Answer, Readonly<Record<'marketo' | 'dynamics', Fault>>>> = {
  lost: alike({ kind: 'dropAfterWrite' }),
  dropped: alike({ kind: 'drop' }),
  refused: alike({ kind: 'refuse', status: 503 }),
  garbled: alike({ kind: 'garbage' }),
  broken: { marketo: { kind: 'code', code: '611' }, dynamics: { kind: 'refuse', status: 500 } },
  'bad-gateway': alike({ kind: 'refuse', status: 502 }),
  'gateway-timeout': alike({ kind: 'refuse', status: 504 }),
  throttled: {
    marketo: { kind: 'code', code: '606' },
    dynamics: { kind: 'refuse', preset: 'throttledConcurrency', retryAfter: 0 },
  },
  'token-expired': {
    marketo: { kind: 'code', code: '602' },
    dynamics: { kind: 'refuse', status: 401, code: '', message: 'expired' },
  },
};

/** Arms what goes wrong in the systems; a worker's death is planned with the calls. */
export const arm = async ({ door }: Stage, trouble: Trouble | null): Promise<void> => {
  if (trouble?.is === 'delta-expired') await door('dynamics', 'POST', '/admin/delta/expire', {});
  if (trouble?.is !== 'answer') return;
  const { side, skip, answer } = trouble;
  await door(side, 'POST', '/admin/faults', { skip, ...FAULTS[answer][side] });
};

export const disarm = async ({ door }: Stage): Promise<void> => {
  for (const side of ['marketo', 'dynamics'] as const) await door(side, 'DELETE', '/admin/faults');
};
