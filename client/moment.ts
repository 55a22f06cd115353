/** An instant as people read it, to the second: `2026-01-31T08:15:00Z`. */
export const moment = (instant: string): string => `${instant.slice(0, 19)}Z`;
