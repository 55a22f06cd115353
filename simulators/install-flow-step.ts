/** A flow step service to be installed, and the campaign by which persons reach it. */
export interface FlowStepInstallation {
  /** Origin of the Marketo simulator. */
  readonly marketo: string;
  /** Of the OpenAPI document. */
  readonly url: string;
  /** What the service's security scheme wants, such as `{ apiKey }`. */
  readonly credentials: Readonly<Record<string, string>>;
  /** Field mappings other than the suggested ones, and values of global attributes. */
  readonly outgoing?: readonly FieldChoice[];
  readonly incoming?: readonly FieldChoice[];
  readonly globals?: Readonly<Record<string, string | number | boolean>>;
  /** A trigger campaign whose flow is this step: for whoever fills in a form, unless `triggers` says otherwise. */
  readonly campaign?: {
    readonly name: string;
    readonly parameters: Readonly<Record<string, string | number | boolean | null>>;
    readonly triggers?: readonly Readonly<Record<string, unknown>>[];
  };
}

interface FieldChoice {
  readonly serviceAttribute?: string;
  readonly marketoAttribute?: string | null;
  readonly active?: boolean;
}

interface Service {
  readonly id: number;
  readonly url: string;
  readonly apiName: string;
}

interface Campaign {
  readonly id: number;
  readonly name: string;
}

/**
 * Installs a service in the simulated Marketo through its administrative door, as an administrator does, with the
 * campaign. What a kept state already has is used as it is, so that every start may call this.
 *
 * @throws Error with what the door said, such as which rule the document breaks
 */
export async function installFlowStep(
  installation: FlowStepInstallation,
): Promise<{ readonly serviceId: number; readonly campaignId: number | null }> {
  const { marketo, campaign, url, credentials, outgoing, incoming, globals } = installation;
  const { services } = (await call(marketo, 'GET', '/flow-steps')) as { services: Service[] };
  const service =
    services.find((each) => each.url === url) ??
    ((await call(marketo, 'POST', '/flow-steps', {
      ...{ url, credentials, outgoing, incoming, globals },
    })) as Service);
  if (!campaign) return { serviceId: service.id, campaignId: null };
  const { campaigns } = (await call(marketo, 'GET', '/campaigns')) as { campaigns: Campaign[] };
  const { name, parameters, triggers = [{ on: 'formFilled' }] } = campaign;
  const { id } =
    campaigns.find((each) => each.name === name) ??
    ((await call(marketo, 'POST', '/campaigns', {
      ...{ name, triggers },
      flow: [{ do: 'flowStep', service: service.apiName, parameters }],
    })) as Campaign);
  return { serviceId: service.id, campaignId: id };
}

async function call(marketo: string, method: string, path: string, body?: unknown): Promise<unknown> {
  const content =
    body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json; charset=utf-8' } };
  const response = await fetch(`${marketo}/admin${path}`, { method, ...content });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
  return JSON.parse(text);
}
