import { readEnvironment } from '../../config/environment.js';
import { openStore } from '../../store/open.js';
import { EXIT, printJson, type Context, type ExitCode } from '../io.js';
import { readChains } from './chain-status.js';
import { renderStatus } from './render.js';
import { readStoreStatus } from './store-status.js';

/** `contact-sync status`. Asks the store and Temporal, never the remotes. */
export const runStatus = async (
  { env, io }: Context,
  { json }: { readonly json: boolean },
): Promise<ExitCode> => {
  const environment = readEnvironment(env, ['store', 'temporal']);
  const { installation } = environment;
  const store = await openStore(environment.store);
  try {
    const [known, chains] = await Promise.all([
      readStoreStatus(store.db, installation),
      readChains(environment.temporal, installation),
    ]);
    const status = { ...known, ...chains };
    if (json) printJson(io, status);
    else io.out(renderStatus(status, new Date(), io.color));
    return EXIT.ok;
  } finally {
    await store.close();
  }
};
