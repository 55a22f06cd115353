/** Every name exported here is a workflow type, permanent once released. */
export { backfill } from './backfill.js';
export { createPerson } from './create-person.js';
export { syncChunk } from './sync-chunk.js';
export { syncCycle } from './sync-cycle.js';
