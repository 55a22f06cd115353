/** One request inside a batch. */
export interface PartRequest {
  readonly method: 'GET' | 'PATCH';
  /** Absolute path on the environment. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

const CRLF = '\r\n';

/**
 * The body of a `$batch` request. Every line ends CRLF, the last one too: Dataverse answers anything else with "Stream
 * was not readable" (Microsoft: "Execute batch operations").
 * @throws RangeError for a path, header or boundary that would break the lines
 */
export function writeBatch(parts: readonly PartRequest[], boundary: string): string {
  const lines = parts.flatMap((part) => [`--${boundary}`, ...partLines(part)]);
  return [...lines, `--${boundary}--`, ''].join(CRLF);
}

function partLines({ method, path, headers, body }: PartRequest): string[] {
  const head = [
    `${method} ${path} HTTP/1.1`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  if (head.some((line) => /[\r\n]/.test(line)))
    throw new RangeError(`a line break in the head of ${method} ${path}`);
  // A part without a body still has the blank line after its head, and a line after that.
  return ['Content-Type: application/http', 'Content-Transfer-Encoding: binary', '', ...head, '', body ?? ''];
}
