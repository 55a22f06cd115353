import { DataverseError } from '../errors.js';
import type { Organization } from '../organization.js';
import { everyUser, people, type SystemUser } from './people.js';

/** Who the request being answered acts as. Requests are answered one at a time, so the environment has one. */
export interface Caller {
  readonly user: SystemUser;
  /** The signed-in user, when it acts as another. */
  readonly realUser: SystemUser | null;
  /** Masked columns were asked for without their mask. */
  readonly unmasked: boolean;
}

export const syncCaller: Caller = { user: people.sync, realUser: null, unmasked: false };

type Headers = Readonly<Record<string, string | undefined>>;

const forbidden = (code: string, message: string): DataverseError => new DataverseError(403, code, message);

/** The user that `CallerObjectId` (Entra object id) or `MSCRMCallerID` (systemuser id) names. */
const impersonated = (headers: Headers): SystemUser | undefined => {
  const [objectId, userId] = [headers['callerobjectid'], headers['mscrmcallerid']];
  if (objectId === undefined && userId === undefined) return undefined;
  const wanted = (objectId ?? userId ?? '').toLowerCase();
  const user = everyUser.find((one) => (objectId === undefined ? one.id : one.objectId) === wanted);
  if (user !== undefined) return user;
  throw forbidden('0x80072560', 'The user is not a member of the organization.');
};

/**
 * Carries out work as the user that the headers name. Others hold every right here, so that what both may do is
 * what the sync user may do (Microsoft: "Impersonate another user using the Web API").
 */
export const asCaller = <T>(organization: Organization, headers: Headers, work: () => T): T => {
  const user = impersonated(headers);
  if (user !== undefined && user !== people.sync) {
    const right = 'prvActOnBehalfOfAnotherUser';
    if (organization.settings.withheldPrivileges.includes(right)) {
      const message = `User does not have the privilege to act on behalf another user. Missing ${right} privilege.`;
      throw forbidden('0x8004a110', message);
    }
  }
  const before = organization.caller;
  organization.caller = {
    user: user ?? people.sync,
    realUser: user === undefined || user === people.sync ? null : people.sync,
    unmasked: headers['mscrm.unmaskeddata']?.toLowerCase() === 'true',
  };
  try {
    return work();
  } finally {
    organization.caller = before;
  }
};

/** Refuses everything when the application has no user here, or a disabled one. */
export const demandApplicationUser = ({ settings }: Organization): void => {
  if (settings.applicationUser === 'missing') {
    throw forbidden('0x80072560', 'The user is not a member of the organization.');
  }
  if (settings.applicationUser === 'disabled') {
    throw forbidden(
      '0x80040225',
      'The specified user is either disabled or is not a member of any business unit.',
    );
  }
};
