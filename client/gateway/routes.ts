import type { z } from 'zod';
import { SERVICE_DEFINITION } from './definition.js';
import { ICON } from './icon.js';
import { INSTRUCTIONS } from './instructions.js';
import {
  accepted,
  getPicklistRequest,
  invocation,
  picklistObject,
  serviceDefinition,
  serviceStatus,
  webhookRequest,
  type Invocation,
  type Picklist,
  type PicklistRequest,
  type ServiceStatus,
  type WebhookRequest,
} from './schemas.js';

/** What the gateway does behind its routes. */
export interface Service {
  /** Keeps a chunk and starts the work on it. */
  readonly submit: (invocation: Invocation) => Promise<void>;
  /** The same for one person, called by a webhook. */
  readonly webhook: (request: WebhookRequest) => Promise<void>;
  readonly picklist: (name: 'syncAs' | 'assignTo') => Promise<Picklist>;
  readonly status: () => Promise<ServiceStatus>;
}

/** Who may call: anybody, Marketo with the key of the flow step, or a webhook with its own secret. */
export type Door = 'open' | 'flow-step' | 'webhook';

export interface Reply {
  readonly status: number;
  readonly type: string;
  readonly body: unknown;
}

export interface Route {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly door: Door;
  readonly summary: string;
  /** Of the body; none for a route that takes none. */
  readonly body?: z.ZodType;
  readonly answer: {
    readonly status: 200 | 201 | 202;
    readonly description: string;
    /** As the OpenAPI document declares it: Marketo's rules want `image/*` for icons. */
    readonly type: string;
    readonly schema?: z.ZodType;
  };
  readonly handle: (service: Service, body: unknown) => Promise<Reply>;
}

const json = (status: number, body: unknown): Reply => ({ status, type: 'application/json', body });

const taken = (status: 201 | 202): Route['answer'] => ({
  ...{ status, description: 'Taken: kept, and being worked on' },
  ...{ type: 'application/json', schema: accepted },
});

const icon = (path: string, summary: string): Route => ({
  ...{ method: 'GET', path, door: 'open', summary },
  answer: { status: 200, description: 'A picture', type: 'image/*' },
  handle: () => Promise.resolve({ status: 200, type: 'image/png', body: ICON }),
});

/** A choice that a campaign hands in as it stands. */
const choice = (submittedValue: string, name: string) => ({ displayValue: { en_US: name }, submittedValue });

export const SYNC_AS: Picklist = { choices: [choice('lead', 'Lead'), choice('contact', 'Contact')] };

/**
 * Every route, once: the server is made of it, and so is the OpenAPI document.
 */
export const ROUTES: readonly Route[] = [
  {
    ...{ method: 'POST', path: '/submitAsyncAction', door: 'flow-step' },
    summary: 'Takes the persons of a flow step; the answer follows by the callback',
    body: invocation,
    answer: taken(201),
    handle: async (service, body) => {
      await service.submit(body as Invocation);
      return json(201, { status: 'accepted' });
    },
  },
  {
    ...{ method: 'GET', path: '/getServiceDefinition', door: 'flow-step' },
    summary: 'The flow step, its parameters and what it answers',
    answer: {
      status: 200,
      description: 'The flow step',
      type: 'application/json',
      schema: serviceDefinition,
    },
    handle: () => Promise.resolve(json(200, SERVICE_DEFINITION)),
  },
  {
    ...{ method: 'GET', path: '/status', door: 'flow-step' },
    summary: 'Whether the service is up, and what an administrator should know',
    answer: { status: 200, description: 'How it is', type: 'application/json', schema: serviceStatus },
    handle: async (service) => json(200, await service.status()),
  },
  {
    ...{ method: 'POST', path: '/getPicklist', door: 'flow-step' },
    summary: 'The choices of a parameter',
    body: getPicklistRequest,
    answer: { status: 200, description: 'The choices', type: 'application/json', schema: picklistObject },
    handle: async (service, body) => json(200, await service.picklist((body as PicklistRequest).name)),
  },
  icon('/brandIcon', 'Picture of the provider'),
  icon('/serviceIcon', 'Picture of the flow step'),
  {
    ...{ method: 'GET', path: '/providerInstructions', door: 'flow-step' },
    summary: 'How to install the flow step and use it in campaigns',
    answer: { status: 200, description: 'A page', type: 'text/html' },
    handle: () => Promise.resolve({ status: 200, type: 'text/html; charset=utf-8', body: INSTRUCTIONS }),
  },
  {
    ...{ method: 'POST', path: '/webhook', door: 'webhook' },
    summary: 'Takes one person, for instances without flow steps',
    body: webhookRequest,
    answer: taken(202),
    handle: async (service, body) => {
      await service.webhook(body as WebhookRequest);
      return json(202, { status: 'accepted' });
    },
  },
];
