import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { boundaryOf, readBatch } from '../../dynamics/multipart-reader.js';
import { type PartRequest, writeBatch } from '../../dynamics/multipart-writer.js';
import { heardParts, renderParts } from './batch-wire.js';

const contentType = (boundary: string): string => `multipart/mixed; boundary="${boundary}"`;
const boundary = fc.stringMatching(/^[A-Za-z0-9_-]{1,40}$/);
const json = fc.jsonValue().map((value) => JSON.stringify({ value }));

const request: fc.Arbitrary<PartRequest> = fc.oneof(
  fc.record({
    method: fc.constant('GET' as const),
    path: fc.webPath(),
    headers: fc.constant({ Accept: 'application/json' }),
  }),
  fc.record({
    method: fc.constant('PATCH' as const),
    path: fc.webPath(),
    headers: fc.constant({ 'If-Match': 'W/"7"', 'Content-Type': 'application/json' }),
    body: json,
  }),
);

describe('a batch that we write', () => {
  it('reads back, under strict CRLF rules, as the requests that went in', () => {
    fc.assert(
      fc.property(fc.array(request, { minLength: 1, maxLength: 8 }), boundary, (parts, limit) => {
        const heard = heardParts({
          headers: { 'content-type': contentType(limit) },
          body: writeBatch(parts, limit),
        });
        expect(heard).toEqual(
          parts.map(({ method, path, headers, body }) => ({
            method,
            url: path,
            headers: Object.fromEntries(
              Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
            ),
            body: body ?? '',
          })),
        );
      }),
    );
  });

  it('refuses a header that would start a line of its own', () => {
    const part: PartRequest = {
      method: 'PATCH',
      path: '/x',
      headers: { 'If-Match': 'W/"1"\r\nEvil: 1' },
      body: '{}',
    };
    expect(() => writeBatch([part], 'b')).toThrow(RangeError);
  });
});

const part = fc.record({
  status: fc.integer({ min: 200, max: 599 }),
  body: fc.option(json, { nil: undefined }),
});
const style = fc.record({
  boundary,
  lineEnd: fc.constantFrom('\r\n' as const, '\n' as const),
  preamble: fc.constantFrom('', '\r\n', 'ignore me\r\n'),
});

describe('a batch answer that we read', () => {
  it('gives the parts in order, however lines end and whatever stands before', () => {
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), style, (parts, how) => {
        const read = readBatch(contentType(how.boundary), renderParts(parts, how));
        expect(read?.closed).toBe(true);
        expect(read?.answers.map((answer) => [answer?.status, answer?.body.trim()])).toEqual(
          parts.map(({ status, body }) => [status, body ?? '']),
        );
      }),
    );
  });

  it('never takes a part that was cut for a whole one', () => {
    fc.assert(
      fc.property(
        fc.array(part, { minLength: 1, maxLength: 6 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (parts, share) => {
          const whole = renderParts(parts);
          const cut = whole.slice(
            0,
            Math.floor((whole.length - '--batchresponse_01aa--\r\n'.length) * share),
          );
          const read = readBatch(contentType('batchresponse_01aa'), cut);
          expect(read?.closed).toBe(false);
          read?.answers.forEach((answer, index) => {
            if (answer !== undefined) expect(answer.body.trim()).toBe(parts[index]?.body ?? '');
          });
        },
      ),
    );
  });

  it('survives any text', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.array(fc.constantFrom('--b', '--b--', '\r\n', '\n', 'HTTP/1.1 200 OK', ':', 'x')),
        (text, bits) => {
          const read = readBatch('multipart/mixed; boundary=b', text + bits.join(''));
          expect(Array.isArray(read?.answers)).toBe(true);
        },
      ),
    );
  });

  it('finds the answers of a change set among the others', () => {
    const inner = renderParts([{ status: 204 }, { status: 201, body: '{"a":1}' }], {
      boundary: 'changesetresponse_1',
    });
    const body = [
      '--b',
      'Content-Type: multipart/mixed; boundary=changesetresponse_1',
      '',
      inner,
      '--b',
      'Content-Type: application/http',
      '',
      'HTTP/1.1 404 Not Found',
      '',
      '{}',
      '--b--',
      '',
    ].join('\r\n');
    expect(readBatch('multipart/mixed; boundary=b', body)?.answers.map((answer) => answer?.status)).toEqual([
      204, 201, 404,
    ]);
  });

  it('leaves a hole for a part that is no HTTP answer', () => {
    const body =
      '--b\r\nContent-Type: application/http\r\n\r\nnonsense\r\n--b\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n\r\n--b--\r\n';
    expect(readBatch('multipart/mixed; boundary=b', body)?.answers.map((answer) => answer?.status)).toEqual([
      undefined,
      204,
    ]);
  });

  it.each([
    ['multipart/mixed; boundary=abc', 'abc'],
    ['Multipart/Mixed; charset=utf-8; Boundary="a b:c"', 'a b:c'],
    ['multipart/mixed;boundary=abc;charset=utf-8', 'abc'],
    ['application/json', undefined],
    [undefined, undefined],
  ])('takes the boundary of %s', (type, expected) => {
    expect(boundaryOf(type)).toBe(expected);
  });
});
