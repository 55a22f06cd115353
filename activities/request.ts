import type { PersonRecord } from '../marketo/index.js';
import { RemoteFailure } from '../rules/failures.js';
import type { Link } from '../rules/link.js';
import type { Mapping } from '../rules/mapping.js';
import type { CreatePersonInput, CreatePersonResult } from './contract.js';
import type { Attempt, Ports } from './settings.js';

/** A request at work, with the person as it was read for it. */
export interface Request {
  readonly ports: Ports;
  readonly mapping: Mapping;
  readonly attempt: Attempt;
  readonly input: CreatePersonInput;
  readonly person: PersonRecord;
  /** Under which the person's records are matched: its e-mail, or its id where it has none. */
  readonly key: string;
}

/** Somebody else is at work on the same records: the retry meets what came of it. */
export const busy = (what: string): RemoteFailure =>
  new RemoteFailure({
    type: 'Busy',
    code: 'claimed',
    message: `${what} is held by another worker`,
    effect: 'none',
  });

export const answer = (
  outcome: CreatePersonResult['outcome'],
  link: Pick<Link, 'kind' | 'dynamicsId'> | undefined,
  code: string | null = null,
): CreatePersonResult => ({ outcome, kind: link?.kind ?? null, dynamicsId: link?.dynamicsId ?? null, code });
