import { setTimeout as sleep } from 'node:timers/promises';
import { refusalResponse } from './api.js';
import { DataverseError } from '../errors.js';
import type { Fault } from './faults.js';
import type { ApiResponse } from './messages.js';

/** The socket is to be destroyed without an answer. */
export class ConnectionDropped extends Error {}

export const pause = async (milliseconds: number): Promise<void> => {
  await sleep(milliseconds);
};

const page = (title: string): string => `<!DOCTYPE html><html><body><h1>${title}</h1></body></html>`;

const bare = (fault: Fault, type: string | null, body: string | null): ApiResponse => ({
  status: fault.status,
  headers: { ...retryHeader(fault), ...(type === null ? {} : { 'Content-Type': type }) },
  body,
  code: fault.code,
});

const retryHeader = ({ retryAfter, retryAfterDate }: Fault): Record<string, string> => {
  if (retryAfter === undefined) return {};
  const date = new Date(Date.now() + retryAfter * 1000).toUTCString();
  return { 'Retry-After': retryAfterDate ? date : String(retryAfter) };
};

/** The refusal that a fault orders: as the Web API words it, or as something in between does. */
export const faultResponse = (fault: Fault): ApiResponse => {
  switch (fault.body) {
    case 'message':
      return bare(fault, 'application/json; charset=utf-8', JSON.stringify({ Message: fault.message }));
    case 'html':
      return bare(fault, 'text/html', page(fault.message));
    case 'empty':
      return bare(fault, null, null);
    case 'codeless': {
      const body = JSON.stringify({ error: { message: fault.message } });
      return bare(fault, 'application/json; odata.metadata=minimal', body);
    }
    case 'innerError': {
      const inner = { message: fault.message, type: 'System.Exception', stacktrace: '   at Microsoft.Crm' };
      const error = { code: fault.code, message: fault.message, innererror: inner };
      return bare(fault, 'application/json; odata.metadata=minimal', JSON.stringify({ error }));
    }
    default:
      return refusalResponse(new DataverseError(fault.status, fault.code, fault.message, retryHeader(fault)));
  }
};

/** What a gateway in between answers when it is confused. */
export const garbageResponse = (): ApiResponse => ({
  status: 200,
  headers: { 'Content-Type': 'text/html' },
  body: page('We are sorry'),
  code: null,
});
