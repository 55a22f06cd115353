import { createHash } from 'node:crypto';

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A text that looks like a secret and is the same in every run. */
export const secretOf = (text: string): string => digest(`secret ${text}`).slice(0, 40);

/** A UUID that is the same in every run. */
export const uuidOf = (text: string): string => {
  const hex = digest(`uuid ${text}`);
  const variant = ((parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
};
