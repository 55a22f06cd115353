import type { FastifyInstance } from 'fastify';
import { ApiFailure } from '../failure.js';

/** The file of a `multipart/form-data` body. */
export interface UploadedFile {
  readonly file: Buffer;
}

/** Lets a door take `multipart/form-data` with a part named `file`; anything else of that type is 613. */
export function multipartParser(app: FastifyInstance): void {
  app.addContentTypeParser<Buffer>('multipart/form-data', { parseAs: 'buffer' }, (request, body, done) => {
    const boundary = /boundary="?([^";]+)"?/i.exec(request.headers['content-type'] ?? '')?.[1];
    const file = boundary === undefined ? undefined : partNamed('file', body, boundary);
    if (file) done(null, { file } satisfies UploadedFile);
    else done(new ApiFailure('613', 'Invalid multipart request'));
  });
}

export const isUpload = (body: unknown): body is UploadedFile =>
  typeof body === 'object' && body !== null && 'file' in body && Buffer.isBuffer(body.file);

/** Content of the part with this name (RFC 7578), or undefined when the body is malformed or has none. */
function partNamed(name: string, body: Buffer, boundary: string): Buffer | undefined {
  const delimiter = Buffer.from(`--${boundary}`);
  let start = body.indexOf(delimiter);
  while (start >= 0) {
    const end = body.indexOf(Buffer.concat([Buffer.from('\r\n'), delimiter]), start);
    if (end < 0) return undefined;
    const part = body.subarray(start + delimiter.length + 2, end);
    const blank = part.indexOf('\r\n\r\n');
    if (blank < 0) return undefined;
    if (
      new RegExp(`;\\s*name="?${name}"?\\s*(;|\\r\\n|$)`, 'i').test(part.subarray(0, blank).toString('utf8'))
    )
      return part.subarray(blank + 4);
    start = end + 2;
  }
  return undefined;
}
