import { newGuid } from '../rows/values.js';

export interface TokenAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** The refusals of the token endpoint: AADSTS number -> HTTP status and OAuth error. */
const refusals: Readonly<Record<number, readonly [status: number, error: string]>> = {
  50027: [401, 'invalid_client'],
  70003: [400, 'unsupported_grant_type'],
  90002: [400, 'invalid_request'],
  90013: [400, 'invalid_request'],
  90033: [503, 'temporarily_unavailable'],
  90055: [429, 'temporarily_unavailable'],
  500011: [400, 'invalid_resource'],
  700016: [400, 'unauthorized_client'],
  700021: [401, 'invalid_client'],
  700023: [401, 'invalid_client'],
  700024: [401, 'invalid_client'],
  700026: [401, 'invalid_client'],
  700027: [401, 'invalid_client'],
  900144: [400, 'invalid_request'],
  1002012: [400, 'invalid_scope'],
  7000112: [400, 'unauthorized_client'],
  7000215: [401, 'invalid_client'],
  7000216: [401, 'invalid_client'],
  7000222: [401, 'invalid_client'],
};

/** A refusal in the words of Microsoft Entra ID (Microsoft Entra: "Authentication and authorization error codes"). */
export const tokenRefusal = (now: number, number: number, text: string, status?: number): TokenAnswer => {
  const [listed, error] = refusals[number] ?? [400, 'invalid_request'];
  return {
    status: status ?? listed,
    body: {
      error,
      error_description: `AADSTS${number}: ${text}`,
      error_codes: [number],
      timestamp: `${new Date(now).toISOString().slice(0, 19).replace('T', ' ')}Z`,
      trace_id: newGuid(),
      correlation_id: newGuid(),
      error_uri: `https://login.microsoftonline.com/error?code=${number}`,
    },
  };
};
