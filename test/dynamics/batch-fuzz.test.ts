import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { type BatchAnswers, readBatch } from '../../dynamics/multipart-reader.js';
import type { RowOutcome } from '../../dynamics/index.js';
import { batchReply, heardParts, renderParts, type WireStyle } from './batch-wire.js';
import { id } from './fake-dataverse.js';
import type { Part } from './rights.js';
import { rowOf, updates } from './rows.js';
import { scene } from './scene.js';

const at = scene();

/** Each row has an answer of its own kind, so that an answer in the wrong place shows. */
const REFUSALS = ['0x80040265', '0x80044331', '0x80044330', '0x80040203', '0x80048408', '0x80040230'];
const texts = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.constantFrom(
    '--batchresponse_01aa',
    '--batchresponse_01aa--',
    '\r\n--batchresponse_01aa\r\n',
    'Ærø 東京 👋',
    'HTTP/1.1 204 No Content',
  ),
);
interface Said {
  readonly done: boolean;
  readonly text: string;
}
const said = fc.record({ done: fc.boolean(), text: texts });
const partFor = (row: number, { done, text }: Said): Part =>
  done
    ? {
        status: row % 2 === 0 ? 204 : 200,
        headers: row % 2 === 0 ? { 'ODATA-EntityID': `https://x/api/data/v9.2/contacts(${id(row)})` } : {},
        ...(row % 2 === 1 && { body: { '@odata.etag': `W/"${row}"`, contactid: id(row), jobtitle: text } }),
      }
    : {
        status: 400,
        headers: { 'Content-Id': '1' },
        body: { error: { code: REFUSALS[row], message: `${row} ${text}` } },
      };

/** Whether an outcome is the one that the server gave this row, or none at all. */
const isOwn = (outcome: RowOutcome | undefined, row: number, { done }: Said): boolean => {
  if (outcome?.status === 'transient') return true;
  if (done) return outcome?.status === 'done';
  return (
    outcome?.status === 'refused' && outcome.code === REFUSALS[row] && outcome.message.startsWith(`${row} `)
  );
};

const styles: fc.Arbitrary<WireStyle> = fc.record({
  boundary: fc.constantFrom('batchresponse_01aa', 'b', 'a b:c=?', "it's(+_,-./)"),
  quoted: fc.constant(true),
  lineEnd: fc.constantFrom('\r\n' as const, '\n' as const),
  preamble: fc.constantFrom('', '\r\n', 'preamble\r\n', '--other\r\n\r\nHTTP/1.1 204 No\r\n\r\n'),
});

describe('an answer to six writes', () => {
  const six = fc.array(said, { minLength: 6, maxLength: 6 });

  it('gives each row its own, in any form that multipart allows', async () => {
    await fc.assert(
      fc.asyncProperty(
        six,
        styles,
        fc.constantFrom('', 'epilogue', '\r\n--x--'),
        async (all, style, epilogue) => {
          at.fake.answer = (request) => {
            const reply = batchReply(
              heardParts(request).map((part) => partFor(rowOf(part), all[rowOf(part)] ?? fail())),
              style,
            );
            return typeof reply === 'string' ? reply : { ...reply, body: `${String(reply.body)}${epilogue}` };
          };
          const outcomes = await at.dynamics.write(updates(6));
          expect(outcomes.map(({ status }) => status)).toEqual(
            all.map(({ done }) => (done ? 'done' : 'refused')),
          );
          outcomes.forEach((outcome, row) => expect(isOwn(outcome, row, all[row] ?? fail())).toBe(true));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('gives no row the answer of another, whichever parts are missing, cut or whole, stopped or not', async () => {
    const missing = fc.array(fc.boolean(), { minLength: 6, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(
        six,
        missing,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.boolean(),
        fc.constantFrom(200, 400),
        async (all, gone, share, cut, status) => {
          let first = true;
          const alone = new Set<number>();
          at.fake.answer = (request) => {
            // A row that goes again alone has its own answer.
            if (!request.url.endsWith('$batch')) {
              const row = rowOf({ ...request, headers: {} });
              alone.add(row);
              return partFor(row, all[row] ?? fail());
            }
            const rows = heardParts(request).map(rowOf);
            const kept = first ? rows.filter((row) => gone[row] !== true) : [];
            first = false;
            const whole = renderParts(kept.map((row) => partFor(row, all[row] ?? fail())));
            const body = cut ? whole.slice(0, Math.floor(whole.length * share)) : whole;
            return {
              status,
              headers: { 'content-type': 'multipart/mixed; boundary=batchresponse_01aa' },
              body,
            };
          };
          const outcomes = await at.dynamics.write(updates(6));
          outcomes.forEach((outcome, row) => {
            expect(isOwn(outcome, row, all[row] ?? fail()), JSON.stringify({ row, outcome })).toBe(true);
            if (gone[row] === true && !alone.has(row)) expect(outcome.status).toBe('transient');
          });
        },
      ),
      { numRuns: 120 },
    );
  });

  it('cut at any byte, is never done where the part did not come whole', () => {
    const all = Array.from({ length: 6 }, (_row, row): Said => ({ done: true, text: `Ærø 👋 ${row}` }));
    const whole = Buffer.from(renderParts(all.map((one, row) => partFor(row, one))));
    const type = 'multipart/mixed; boundary=batchresponse_01aa';
    const complete = readBatch(type, whole.toString('utf8'));
    // Where each part is known to be over: at the next delimiter line.
    const ends = [...whole.toString('latin1').matchAll(/\r\n--batchresponse_01aa/g)].map(
      ({ index }) => index,
    );
    for (let length = 0; length < whole.length; length += 1) {
      const read = readBatch(type, whole.subarray(0, length).toString('utf8'));
      const over = ends.filter((end) => end + '\r\n--batchresponse_01aa'.length <= length).length;
      expect(read?.answers.filter((answer) => answer !== undefined).length).toBeLessThanOrEqual(over);
      read?.answers.forEach((answer, row) => {
        if (answer !== undefined) expect(answer).toEqual(complete?.answers[row]);
      });
    }
  });

  it('is read whatever it is', () => {
    const bits = fc.constantFrom(
      '--b',
      '--b--',
      '--c',
      '\r\n',
      '\n',
      '\r',
      ' ',
      'HTTP/1.1 200 OK',
      'HTTP/1.1 ',
      'Content-Type: multipart/mixed; boundary=c',
      'Content-Type: multipart/mixed; boundary=b',
      'CONTENT-ID: 1',
      'Content-ID: 1',
      ':',
      '{"a":1}',
      '👋',
      '\0',
    );
    const types = fc.oneof(
      fc.constantFrom('multipart/mixed; boundary=b', 'multipart/mixed;BOUNDARY="b"'),
      fc.string(),
    );
    fc.assert(
      fc.property(types, fc.array(fc.oneof(bits, fc.string()), { maxLength: 60 }), (type, text) => {
        const read: BatchAnswers | undefined = readBatch(type, text.join(''));
        for (const answer of read?.answers ?? []) {
          if (answer !== undefined) expect(answer.status).toBeGreaterThanOrEqual(100);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('nested without end is read no deeper than change sets go', () => {
    const nested = Array.from(
      { length: 20_000 },
      () => '--b\r\nContent-Type: multipart/mixed; boundary=b\r\n',
    ).join('\r\n');
    expect(readBatch('multipart/mixed; boundary=b', nested)?.closed).toBe(false);
  });
});

function fail(): never {
  throw new Error('a row that was not written');
}
