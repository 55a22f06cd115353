import pc from 'picocolors';
import { readEnvironment } from '../config/environment.js';
import { openStore } from '../store/open.js';
import { connectRemotes } from './connections.js';
import { EXIT, printJson, type Context, type ExitCode } from './io.js';
import { proposeConfig } from './setup/config-file.js';
import { setUp, type SetupStep } from './setup/setup.js';

/** `contact-sync setup`. */
export const runSetup = async (
  { env, io }: Context,
  { json }: { readonly json: boolean },
): Promise<ExitCode> => {
  const environment = readEnvironment(env, ['marketo', 'dynamics', 'store']);
  const proposal = proposeConfig(environment.configFile);
  const say = (text: string): void => (json ? undefined : io.out(text));
  const store = await openStore(environment.store, { onProgress: say });
  try {
    const remotes = connectRemotes(environment, proposal.config, store.db);
    try {
      const report = await setUp(
        { db: store.db, ...remotes, name: environment.installation, proposal, signal: io.signal },
        (step) => say(lineOf(step, io.color)),
      );
      if (json) printJson(io, report);
      else say('\nReady. Start a worker (npm run worker), then the sync: contact-sync start');
      return EXIT.ok;
    } finally {
      await remotes.close();
    }
  } finally {
    await store.close();
  }
};

const lineOf = ({ status, text }: SetupStep, color: boolean): string => {
  const colors = pc.createColors(color);
  switch (status) {
    case 'found':
      return `${colors.green('ok')}      ${text}`;
    case 'made':
      return `${colors.cyan('made')}    ${text}`;
    case 'notice':
      return `${colors.yellow('notice')}  ${text}`;
  }
};
