import { InvalidArgumentError } from 'commander';
import { readDuration } from '../config/duration.js';

/** Readers of arguments: what they refuse, commander reports as wrong usage. */

/** Marketo's id of a person: a whole number from 1. */
export const readMarketoId = (text: string): number => {
  const id = Number(text);
  if (/^\d+$/.test(text) && id >= 1 && Number.isSafeInteger(id)) return id;
  throw new InvalidArgumentError("Expected Marketo's id of the person, a whole number like 1042.");
};

const GUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** Id of a row in Dynamics, in lower case. */
export const readGuid = (text: string): string => {
  if (GUID.test(text)) return text.toLowerCase();
  throw new InvalidArgumentError('Expected an id like 7d1e2c4a-0b5f-ee11-a204-000d3a1b2c3d.');
};

/** A person by Marketo's id, or a row by its id in Dynamics. */
export const readRecord = (text: string): { marketoId: number } | { dynamicsId: string } => {
  if (/^\d+$/.test(text)) return { marketoId: readMarketoId(text) };
  if (GUID.test(text)) return { dynamicsId: readGuid(text) };
  throw new InvalidArgumentError(
    "Expected Marketo's id of a person like 1042, or a row's id like 7d1e2c4a-0b5f-ee11-a204-000d3a1b2c3d.",
  );
};

/** Milliseconds of a span of time with its unit. */
export const readTimeout = (text: string): number => {
  const duration = readDuration(text);
  if (duration !== undefined && duration <= 2 ** 31 - 1) return duration;
  throw new InvalidArgumentError('Expected a number and a unit: 30s, 5m.');
};

/** A text that names something, kept in workflow histories and in Marketo's log. */
export const readName = (text: string): string => {
  const name = text.trim();
  if (name.length >= 1 && name.length <= 255) return name;
  throw new InvalidArgumentError('Expected 1 to 255 characters.');
};
