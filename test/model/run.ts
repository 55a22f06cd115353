import { playFollowed } from './followed.js';
import { newGame } from './game.js';
import type { Script } from './scenario.js';
import type { Stage } from './stage.js';
import { playStorm } from './storm.js';

/** Plays a script on the real system; rejects where it does what the rules do not permit. */
export const play = async (stage: Stage, script: Script): Promise<void> => {
  await stage.reset(script);
  const game = newGame(stage);
  if (script.storm === null) await playFollowed(game, script);
  else await playStorm(game, script, script.storm);
};
