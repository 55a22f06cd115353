import type { Kind, Side } from './terms.js';

/** Who wins when the same field was edited on both sides (rule 3). A new kind does not compile until it is answered. */
export const AUTHORITY = { lead: 'marketo', contact: 'dynamics' } as const satisfies Record<Kind, Side>;
