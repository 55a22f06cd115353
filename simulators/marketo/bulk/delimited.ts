/** Formats of bulk files: commas, tabs, semicolons (Adobe REST docs, "Bulk Extract"). */
export const SEPARATORS = { CSV: ',', TSV: '\t', SSV: ';' } as const;

export type FileFormat = keyof typeof SEPARATORS;

export const formatNamed = (name: unknown): FileFormat | undefined => {
  const upper = typeof name === 'string' ? name.toUpperCase() : '';
  return upper === 'CSV' || upper === 'TSV' || upper === 'SSV' ? upper : undefined;
};

/** Lines of a file, each ended by a line feed; values are quoted where they have to be (RFC 4180). */
export function written(format: FileFormat, rows: readonly (readonly string[])[]): string {
  const separator = SEPARATORS[format];
  const special = new RegExp(`["\\r\\n${separator}]`);
  const quoted = (value: string): string =>
    special.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
  return rows.map((row) => `${row.map(quoted).join(separator)}\n`).join('');
}

/** The rows of a file; empty lines are none. */
export function parsedRows(format: FileFormat, text: string): string[][] {
  const separator = SEPARATORS[format];
  const rows: string[][] = [];
  let row: string[] = [];
  let value = '';
  let quoted = false;
  const endRow = (): void => {
    row.push(value);
    if (row.length > 1 || value !== '') rows.push(row);
    row = [];
    value = '';
  };
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (quoted) {
      if (character !== '"') value += character;
      else if (text.charAt(at + 1) === '"') value += text.charAt(++at);
      else quoted = false;
    } else if (character === '"' && value === '') quoted = true;
    else if (character === separator) {
      row.push(value);
      value = '';
    } else if (character === '\n') endRow();
    else if (character !== '\r' || text.charAt(at + 1) !== '\n') value += character;
  }
  endRow();
  return rows;
}
