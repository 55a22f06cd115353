/** A longer timer fires at once (Node: `setTimeout`), ms. */
export const MOST_TIMER_MS = 2 ** 31 - 1;
