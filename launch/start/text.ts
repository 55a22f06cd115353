/** Scripts whose characters take two columns of a terminal (Unicode Standard Annex 11, approximately), and emoji. */
const WIDE =
  /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Emoji_Presentation}\u3000-\u303f\uff00-\uff60\uffe0-\uffe6]/u;
const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu;

const characters = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Columns that the text takes in a terminal. */
export const widthOf = (text: string): number =>
  [...characters.segment(text)].reduce((width, { segment }) => width + (WIDE.test(segment) ? 2 : 1), 0);

/** The text in at most so many columns; what is cut off is shown by an ellipsis. */
export const fitted = (text: string, columns: number): string => {
  if (widthOf(text) <= columns) return text;
  let kept = '';
  let width = 0;
  for (const { segment } of characters.segment(text)) {
    width += WIDE.test(segment) ? 2 : 1;
    if (width > columns - 1) break;
    kept += segment;
  }
  return `${kept}…`;
};

/** One line without anything that could steer a terminal. */
export const plainLine = (text: string): string => text.replace(CONTROL, ' ');
