import { playFollowed } from './followed.js';
import { newGame } from './game.js';
import type { Script } from './scenario.js';
import type { Stage } from './stage.js';
import { playStorm } from './storm.js';
import { Mismatch } from './verdict.js';

/** Plays a script on the real system; rejects where it does what the rules do not permit. */
export const play = async (stage: Stage, script: Script): Promise<void> => {
  await stage.reset(script);
  const game = newGame(stage);
  try {
    if (script.storm === null) await playFollowed(game, script);
    else await playStorm(game, script, script.storm);
  } catch (error) {
    if (error instanceof Mismatch)
      error.stack = `${error.stack ?? error.message}\n\n${await believed(stage)}`;
    throw error;
  }
};

/** What the store believes of each pair: what it was led to do the wrong thing by. */
const believed = async ({ real }: Stage): Promise<string> => {
  const links = (await real.links()).map((link) => `  ${JSON.stringify(link)}`);
  return `The store's links:\n${links.join('\n')}`;
};
