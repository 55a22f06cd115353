import { createRequire } from 'node:module';
import { DynamicsWebApi } from 'dynamics-web-api';
import { dynamicsToken } from '../dynamics-token.js';
import type { Addresses } from './simulators.js';

/** What of `node-marketo-rest` is used here; it brings no types. */
export interface NodeMarketo {
  readonly lead: {
    find(
      filterType: string,
      values: readonly (string | number)[],
      options: { readonly fields: readonly string[]; readonly batchSize: number },
    ): Promise<{ readonly result: readonly unknown[] }>;
    createOrUpdate(
      input: readonly object[],
      options: { readonly action: string; readonly lookupField: string },
    ): Promise<{ readonly result: readonly { readonly status: string }[] }>;
  };
  /** The client has no method for the change log; this is its own way of making a call. */
  readonly _connection: {
    get(path: string, options: { readonly query: object }): Promise<MarketoPage>;
  };
}

export interface MarketoPage {
  readonly result?: readonly unknown[];
  readonly nextPageToken?: string;
  readonly moreResult?: boolean;
}

type NodeMarketoClass = new (options: {
  readonly endpoint: string;
  readonly identity: string;
  readonly clientId: string;
  readonly clientSecret: string;
}) => NodeMarketo;

/** Installed beside the flows that run it, because it is old and nothing of the product needs it. */
const beside = createRequire(new URL('../../../test/public-clients/package.json', import.meta.url));

export function nodeMarketo(addresses: Addresses): NodeMarketo {
  const Client = beside('node-marketo-rest') as NodeMarketoClass;
  return new Client({
    endpoint: addresses.MARKETO_ENDPOINT,
    identity: addresses.MARKETO_IDENTITY,
    clientId: addresses.MARKETO_CLIENT_ID,
    clientSecret: addresses.MARKETO_CLIENT_SECRET,
  });
}

/** Asks for a token once: both clients keep theirs, and sign-in is not what is compared. */
export async function dynamicsWebApi(addresses: Addresses): Promise<DynamicsWebApi> {
  const token = await dynamicsToken(addresses);
  return new DynamicsWebApi({
    serverUrl: addresses.DATAVERSE_URL,
    dataApi: { version: '9.2' },
    onTokenRefresh: () => Promise.resolve(token),
  });
}
