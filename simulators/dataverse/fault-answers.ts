import { setTimeout as sleep } from 'node:timers/promises';
import { refusalResponse } from './api.js';
import { DataverseError } from './errors.js';
import type { Fault } from './faults.js';
import type { ApiResponse } from './messages.js';

/** The socket is to be destroyed without an answer. */
export class ConnectionDropped extends Error {}

export const pause = async (milliseconds: number): Promise<void> => {
  await sleep(milliseconds);
};

export const faultResponse = (fault: Fault): ApiResponse => {
  const headers = fault.retryAfter === undefined ? {} : { 'Retry-After': String(fault.retryAfter) };
  return refusalResponse(new DataverseError(fault.status, fault.code, fault.message, headers));
};

/** What a gateway in between answers when it is confused. */
export const garbageResponse = (): ApiResponse => ({
  status: 200,
  headers: { 'Content-Type': 'text/html' },
  body: '<!DOCTYPE html><html><body><h1>We are sorry</h1></body></html>',
  code: null,
});
