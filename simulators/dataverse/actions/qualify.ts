import { insertRow, updateRow } from '../rows/commit.js';
import { DataverseError, rowNotFound } from '../errors.js';
import type { Organization, Table } from '../organization.js';
import type { SystemUser } from '../rights/people.js';
import { refuseByRule } from '../rows/rules.js';
import type { TableName } from '../schema/tables.js';
import { atomically } from '../rows/transaction.js';
import { newGuid, type Cells, type ColumnValue } from '../rows/values.js';
import type { StoredRow } from '../rows/versioned-rows.js';

export interface Qualification {
  readonly createAccount: boolean;
  readonly createContact: boolean;
  readonly createOpportunity: boolean;
  /** A status of the state Qualified; -1 lets the server choose. */
  readonly status: number;
  /** Customer of the opportunity, if another than the account or contact of the lead. */
  readonly customer?: { readonly account: string | null; readonly contact: string | null };
  readonly currency?: string | null;
  readonly campaign?: string | null;
  readonly by: SystemUser;
  /** True when a person does it in the product, for the journal. */
  readonly byPerson: boolean;
  /** Throws when the caller may not make rows of that table. */
  readonly demandCreate: (table: Table) => void;
}

export interface Created {
  readonly table: Table;
  readonly row: StoredRow;
}

/** Columns of a lead that have another name, or no place, on what it becomes (Microsoft: "Lead qualification mapping"). */
const accountNames: Readonly<Record<string, string>> = { companyname: 'name' };
const opportunityNames: Readonly<Record<string, string>> = {
  subject: 'name',
  emailaddress1: 'emailaddress',
};

/** What never goes along: keys, states, stamps, and what a lead alone means by the name. */
const stays = new Set([
  'statecode',
  'statuscode',
  'createdon',
  'modifiedon',
  'overriddencreatedon',
  'versionnumber',
  'merged',
  'leadsourcecode',
  'leadqualitycode',
]);

/** Cells of the new row: columns of the same name and type that the lead has filled, and the renamed ones. */
const copied = (lead: Table, from: StoredRow, to: Table, names: Readonly<Record<string, string>>): Cells => {
  const cells: Record<string, ColumnValue> = {};
  for (const column of lead.columns.values()) {
    const value = from.cells[column.property] ?? null;
    const target = to.columns.get(names[column.logicalName] ?? column.logicalName);
    const fits = target?.type === column.type && target.validForCreate && !target.removed;
    if (value === null || !fits || column.navigations !== undefined || stays.has(column.logicalName))
      continue;
    cells[target.property] = value;
  }
  return cells;
};

const refuseClosed = (lead: StoredRow): void => {
  if ((lead.cells['statecode'] ?? 0) === 0) return;
  throw new DataverseError(400, '0x80040519', 'The lead is already closed.');
};

/** Qualifies one lead inside a transaction: what is made, and what is taken over because it is there. */
class Qualifying {
  readonly #organization: Organization;
  readonly #lead: StoredRow;
  readonly #asked: Qualification;
  readonly created: Created[] = [];

  constructor(organization: Organization, lead: StoredRow, asked: Qualification) {
    this.#organization = organization;
    this.#lead = lead;
    this.#asked = asked;
  }

  run(): void {
    const { lead: leads } = this.#organization.tables;
    const account = this.#parent('_parentaccountid_value', this.#asked.createAccount, () => this.#account());
    const contact = this.#parent('_parentcontactid_value', this.#asked.createContact, () =>
      this.#contact(account),
    );
    const opportunity = this.#asked.createOpportunity ? this.#opportunity(account, contact) : null;
    const fills = this.#organization.settings.qualifyFillsParents;
    const cells: Cells = {
      statecode: 1,
      ...(this.#asked.status === -1 ? {} : { statuscode: this.#asked.status }),
      ...(fills && account !== null ? { _parentaccountid_value: account } : {}),
      ...(fills && contact !== null ? { _parentcontactid_value: contact } : {}),
      ...(opportunity === null ? {} : { _qualifyingopportunityid_value: opportunity }),
    };
    updateRow(this.#organization, leads, this.#lead, cells, this.#asked.by);
  }

  /** The parent that the lead has already, or a new one if it is asked for. */
  #parent(property: string, wanted: boolean, make: () => string | null): string | null {
    const has = this.#lead.cells[property];
    if (typeof has === 'string') return has;
    return wanted ? make() : null;
  }

  /** Without a company there is nothing to call an account. */
  #account(): string | null {
    const { lead, account } = this.#organization.tables;
    const cells = copied(lead, this.#lead, account, accountNames);
    return typeof cells['name'] === 'string' ? this.#make('account', cells) : null;
  }

  #contact(account: string | null): string {
    const { lead, contact } = this.#organization.tables;
    const parent: Cells =
      account === null ? {} : { _parentcustomerid_value: account, parentcustomeridtype: 'account' };
    return this.#make('contact', { ...copied(lead, this.#lead, contact, {}), ...parent });
  }

  #opportunity(account: string | null, contact: string | null): string {
    const { lead, opportunity } = this.#organization.tables;
    const { customer, currency, campaign } = this.#asked;
    const asked = customer?.account ?? customer?.contact ?? null;
    const buyer = asked ?? account ?? contact;
    const type = (asked === null ? account : (customer?.account ?? null)) === null ? 'contact' : 'account';
    const links: Cells = {
      _parentaccountid_value: account,
      _parentcontactid_value: contact,
      ...(buyer === null ? {} : { _customerid_value: buyer, customeridtype: type }),
      ...(currency === null || currency === undefined ? {} : { _transactioncurrencyid_value: currency }),
      _campaignid_value: campaign ?? this.#lead.cells['_campaignid_value'] ?? null,
    };
    const name = this.#lead.cells['subject'] ?? this.#lead.cells['fullname'] ?? null;
    return this.#make('opportunity', {
      ...copied(lead, this.#lead, opportunity, opportunityNames),
      name,
      ...links,
    });
  }

  /** Makes a row as the caller, under the customer's rules, with the lead's owner and as its offspring. */
  #make(name: TableName, cells: Cells): string {
    const table = this.#organization.tables[name];
    this.#asked.demandCreate(table);
    const whole: Cells = {
      ...cells,
      _ownerid_value: this.#lead.cells['_ownerid_value'] ?? this.#asked.by.id,
      _originatingleadid_value: this.#lead.id,
      originatingleadidtype: 'lead',
    };
    refuseByRule(this.#organization.rules, name, 'create', whole);
    const row = insertRow(this.#organization, table, newGuid(), whole, this.#asked.by);
    this.created.push({ table, row });
    this.#organization.journal.write({
      table: name,
      id: row.id,
      kind: 'create',
      columns: Object.keys(cells).filter((property) => table.columns.has(property)),
      by: this.#asked.byPerson ? 'user' : 'sync',
      status: 201,
      code: null,
    });
    return row.id;
  }
}

/**
 * Qualifies a lead: makes the account, contact and opportunity asked for, takes over parents that the lead has already,
 * and closes the lead. All of it or nothing. Returns what was made.
 */
export const qualifyLead = (organization: Organization, id: string, asked: Qualification): Created[] => {
  const lead = organization.tables.lead.rows.get(id);
  if (lead === undefined) throw rowNotFound('lead', id);
  refuseClosed(lead);
  const qualifying = new Qualifying(organization, lead, asked);
  atomically(organization, () => {
    qualifying.run();
  });
  return qualifying.created;
};
