import { omit } from './draft.js';
import { WHOLE_RECORD, type Link, type Parked } from './link.js';
import type { FieldValues, Side } from './terms.js';

/** True where the field is neither planned nor sent. */
export const isHeld = (parked: Parked | undefined): boolean =>
  parked !== undefined && parked.trial !== true && parked.local !== true;

/** As it was before it was tried again. */
export const putBack = (parked: Parked): Parked => {
  const back: Record<string, unknown> & Parked = { ...parked };
  omit(back, 'trial');
  return back;
};

/** True if the field is on trial, and was refused in the same way before. */
export const isRefusedAgain = (
  parked: Parked | undefined,
  { side, code }: { readonly side: Side; readonly code: string },
): parked is Parked => parked?.trial === true && parked.side === side && parked.code === code;

export const isParkedFor = ({ parked }: Link, rejectionIds: ReadonlySet<string>): boolean =>
  Object.values(parked).some(({ rejectionId }) => rejectionId !== null && rejectionIds.has(rejectionId));

/**
 * Marketo refused to make the person of a row, for exactly what is parked: it is not made of what is left over. While a
 * creation is planned, only fields that a refusal had named are parked, and the others go without them.
 */
export const isCreationRefused = ({ status, marketoId, creation, parked }: Link): boolean =>
  status === 'unmatched' && marketoId === null && creation === null && Object.values(parked).some(isHeld);

/**
 * The link with what these refusals parked on trial: the next plan takes it up although nothing moved. A creation is tried
 * whole, whichever of its refusals is due.
 */
export const tryAgain = (link: Link, rejectionIds: ReadonlySet<string>): Link => {
  const isWhole = isCreationRefused(link);
  const isTried = ({ rejectionId }: Parked): boolean =>
    rejectionId !== null && (isWhole || rejectionIds.has(rejectionId));
  return {
    ...link,
    dirty: true,
    parked: mapParked(link, (parked) => (isTried(parked) ? { ...parked, trial: true } : parked)),
  };
};

/** The link with nothing on trial any more. */
export const restTrials = (link: Link): Link => ({ ...link, parked: mapParked(link, putBack) });

const mapParked = ({ parked }: Link, change: (parked: Parked) => Parked): Link['parked'] =>
  Object.fromEntries(Object.entries(parked).map(([name, each]) => [name, change(each)]));

/** Key fields that the person did not take are on trial: they are to be written again. */
export const stampOnTrial = (link: Link, keyOf: (link: Link) => FieldValues): Link =>
  link.status === 'linked' && link.parked[WHOLE_RECORD]?.trial === true && link.stamp === null
    ? { ...link, stamp: keyOf(link) }
    : link;

/** Takes out of the parked what a trial has shown to pass. */
export const passTrial = (link: Link, name: string): Link => {
  if (link.parked[name]?.trial !== true) return link;
  const parked = { ...link.parked };
  omit(parked, name);
  return { ...link, parked };
};
