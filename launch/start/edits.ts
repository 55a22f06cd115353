import type { Simulators, ToldEdit } from './simulators.js';
import { editText } from './told-edit.js';

/** What simulated people do, as far as the view shows it. */
export interface Edits {
  readonly perMinute: number;
  readonly total: number;
  /** The latest last. */
  readonly recent: readonly { readonly at: number; readonly text: string }[];
}

const KEPT = 10;

/** Sets simulated people to work and listens to what they do. */
export const followEdits = async (
  simulators: Simulators,
  perMinute: number,
): Promise<{ now(): Edits; stop(): Promise<void> }> => {
  let edits: Edits = { perMinute, total: 0, recent: [] };
  simulators.child.onMessage((message) => {
    if (!('edit' in message)) return;
    const told = { at: Date.now(), text: editText(message['edit'] as ToldEdit) };
    edits = { ...edits, total: edits.total + 1, recent: [...edits.recent.slice(1 - KEPT), told] };
  });
  simulators.child.send({ tellEdits: true });
  await simulators.setLife(perMinute);
  return {
    now: () => edits,
    stop: async () => {
      await simulators.setLife(0);
      edits = { ...edits, perMinute: 0 };
    },
  };
};
