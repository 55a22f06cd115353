import type { Credentials, SecurityScheme } from './security-scheme.js';
import type { ServiceDefinition, ServiceType } from './definition.js';

/** Which Marketo field a field of the service is; only an active mapping with a field carries values. */
export interface FieldMapping {
  readonly serviceAttribute: string;
  readonly dataType: ServiceType | null;
  /** REST name of the person field; null while none is chosen. */
  readonly marketoAttribute: string | null;
  readonly active: boolean;
}

export interface Choice {
  readonly displayValue: string;
  readonly submittedValue: string | number | boolean;
}

export interface Icon {
  readonly contentType: string;
  readonly bytes: number;
}

/** An installed service provider with its flow step; dates are epoch ms. */
export interface FlowStepService {
  readonly id: number;
  readonly url: string;
  /** Where its endpoints are. */
  readonly base: string;
  readonly name: string;
  readonly providerName: string;
  readonly supportContact: string;
  readonly version: string;
  readonly apiName: string;
  readonly scheme: SecurityScheme;
  readonly credentials: Credentials;
  /** Optional endpoints that its document declares. */
  readonly offers: readonly string[];
  readonly definition: ServiceDefinition;
  readonly outgoing: readonly FieldMapping[];
  readonly incoming: readonly FieldMapping[];
  /** Values of its global attributes and headers. */
  readonly globals: Readonly<Record<string, string | number | boolean>>;
  /** By kind and name, such as `flow:assignTo`. */
  readonly picklists: Readonly<Record<string, readonly Choice[]>>;
  readonly icons: Readonly<Record<string, Icon>>;
  readonly instructions: string | null;
  /** Its activity type. */
  readonly typeId: number;
  readonly retired: boolean;
  readonly deprecated: boolean;
  readonly installedAt: number;
  readonly checkedAt: number;
}

/** Every count is of invocations, or of persons when its name begins so. */
export interface ServiceCounts {
  sent: number;
  accepted: number;
  refused: number;
  failed: number;
  redelivered: number;
  duplicated: number;
  answered: number;
  errors: number;
  expired: number;
  personsSent: number;
  personsSucceeded: number;
  personsUnsuccessful: number;
  entriesUnidentified: number;
}

const NONE: ServiceCounts = {
  ...{ sent: 0, accepted: 0, refused: 0, failed: 0, redelivered: 0, duplicated: 0 },
  ...{ answered: 0, errors: 0, expired: 0 },
  ...{ personsSent: 0, personsSucceeded: 0, personsUnsuccessful: 0, entriesUnidentified: 0 },
};

/** What is kept between runs of the simulator. */
export interface SavedServices {
  readonly services: readonly FlowStepService[];
  readonly nextId: number;
  readonly usedNames: readonly string[];
  readonly counts: readonly (readonly [id: number, ServiceCounts])[];
  readonly logs: readonly (readonly [id: number, readonly string[]])[];
}

const LOG_KEPT = 200;

/** The installed services, their statistics and their logs. */
export class Services {
  readonly #services = new Map<number, FlowStepService>();
  readonly #counts = new Map<number, ServiceCounts>();
  readonly #logs = new Map<number, string[]>();
  readonly #usedNames = new Set<string>();
  #nextId = 1;
  #changes = 0;

  get changes(): number {
    return this.#changes;
  }

  /** The id of the next service; those of deleted ones are not used again. */
  get nextId(): number {
    return this.#nextId;
  }

  all(): readonly FlowStepService[] {
    return [...this.#services.values()];
  }

  byId(id: number): FlowStepService | undefined {
    return this.#services.get(id);
  }

  byApiName(apiName: string): FlowStepService | undefined {
    return this.all().find((service) => service.apiName === apiName);
  }

  /** Names, in lower case, of all services that there are or were. */
  nameTaken(name: string): boolean {
    return this.#usedNames.has(name.toLowerCase());
  }

  add(service: FlowStepService): void {
    this.replace(service);
    this.#nextId = Math.max(this.#nextId, service.id + 1);
    for (const name of namesOf(service)) this.#usedNames.add(name.toLowerCase());
  }

  replace(service: FlowStepService): void {
    this.#services.set(service.id, service);
    this.#changes++;
  }

  /** A deleted service's names stay taken, unless they are freed. */
  remove(service: FlowStepService, freeNames: boolean): void {
    this.#services.delete(service.id);
    this.#counts.delete(service.id);
    this.#logs.delete(service.id);
    if (freeNames) for (const name of namesOf(service)) this.#usedNames.delete(name.toLowerCase());
    this.#changes++;
  }

  count(id: number, name: keyof ServiceCounts, by = 1): void {
    const counts = this.#counts.get(id) ?? { ...NONE };
    counts[name] += by;
    this.#counts.set(id, counts);
    this.#changes++;
  }

  counts(id: number): Readonly<ServiceCounts> {
    return this.#counts.get(id) ?? NONE;
  }

  /** Keeps the latest 200 lines of a service's log. */
  tell(id: number, line: string): void {
    this.#logs.set(id, [...(this.#logs.get(id) ?? []), line].slice(-LOG_KEPT));
    this.#changes++;
  }

  log(id: number): readonly string[] {
    return this.#logs.get(id) ?? [];
  }

  save(): SavedServices {
    return {
      services: this.all(),
      nextId: this.#nextId,
      usedNames: [...this.#usedNames],
      counts: [...this.#counts],
      logs: [...this.#logs],
    };
  }

  restore({ services, nextId, usedNames, counts, logs }: SavedServices): void {
    for (const service of services) this.#services.set(service.id, service);
    for (const name of usedNames) this.#usedNames.add(name);
    for (const [id, each] of counts) this.#counts.set(id, { ...each });
    for (const [id, lines] of logs) this.#logs.set(id, [...lines]);
    this.#nextId = nextId;
  }
}

/** The names that no other service may have: of the API, of the step, of its trigger and filter. */
export const namesOf = ({
  apiName,
  definition,
}: Pick<FlowStepService, 'apiName' | 'definition'>): string[] => {
  const { name, triggerName, filterName } = definition.i18n.en_US;
  return [apiName, name, triggerName, filterName];
};

/** What has a list of choices, with the kind by which the service knows it. */
export function picked(
  definition: ServiceDefinition,
): readonly { readonly type: 'flow' | 'global' | 'header'; readonly name: string }[] {
  const { flowAttributes, globalAttributes, headers } = definition.invocationPayloadDef;
  return [
    ...flowAttributes.map((each) => ({ ...each, type: 'flow' as const, name: each.apiName })),
    ...globalAttributes.map((each) => ({ ...each, type: 'global' as const, name: each.apiName })),
    ...headers.map((each) => ({ ...each, type: 'header' as const })),
  ]
    .filter(({ hasPicklist }) => hasPicklist)
    .map(({ type, name }) => ({ type, name }));
}
