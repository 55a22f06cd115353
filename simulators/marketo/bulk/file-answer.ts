import type { FileAnswer } from '../rest/endpoint.js';

/** A file that is not there (yet) is a plain 404, without an envelope. */
export const notReady = (text: string): FileAnswer => ({ status: 404, type: 'text/plain', file: text });

/** A file, or the part of it that the header `Range` asks for (RFC 9110: one range of bytes). */
export function ranged(file: Buffer, range: string | undefined): FileAnswer {
  const whole: FileAnswer = {
    ...{ status: 200, type: 'text/csv;charset=UTF-8', headers: { 'accept-ranges': 'bytes' }, file },
  };
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(range ?? '') ?? [];
  if (first === '' && last === '') return whole;
  const start = first === '' ? Math.max(0, file.length - Number(last)) : Number(first);
  const end = first === '' || last === '' ? file.length - 1 : Math.min(Number(last), file.length - 1);
  const size = String(file.length);
  if (start > end) {
    return { status: 416, type: 'text/plain', headers: { 'content-range': `bytes */${size}` }, file: '' };
  }
  const headers = { 'accept-ranges': 'bytes', 'content-range': `bytes ${start}-${end}/${size}` };
  return { ...whole, status: 206, headers, file: file.subarray(start, end + 1) };
}
