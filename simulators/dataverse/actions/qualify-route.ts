import { z } from 'zod';
import { emptyResponse, jsonResponse, type ApiResponse } from '../http/messages.js';
import { rootUrl, type Organization } from '../organization.js';
import { parseObject } from '../rows/payload.js';
import { demandPrivilege } from '../rights/privileges.js';
import { readParameters } from './parameters.js';
import { qualifyLead, type Created } from './qualify.js';
import { representRow, selectedColumns } from '../query/represent.js';
import { demandRowAccess } from '../rights/row-access.js';
import { journalled, type RowRequest } from '../http/row-routes.js';

const entityReference = (key: string) => z.looseObject({ [key]: z.guid() });

const bodySchema = z.looseObject({
  CreateAccount: z.boolean(),
  CreateContact: z.boolean(),
  CreateOpportunity: z.boolean(),
  Status: z.int(),
  OpportunityCurrencyId: entityReference('transactioncurrencyid').nullish(),
  OpportunityCustomerId: z.union([entityReference('accountid'), entityReference('contactid')]).nullish(),
  SourceCampaignId: entityReference('campaignid').nullish(),
});

type Body = z.infer<typeof bodySchema>;

const readBody = ({ table, request }: RowRequest): Body =>
  readParameters('QualifyLead', table.shape.entitySet, bodySchema, parseObject(table, request.body));

const text = (value: unknown): string | null => (typeof value === 'string' ? value.toLowerCase() : null);

const describe = (organization: Organization, { table, row }: Created): Record<string, unknown> => {
  const type = { '@odata.type': `#Microsoft.Dynamics.CRM.${table.shape.logicalName}` };
  if (organization.settings.qualifyAnswer === 'keys') return { ...type, [table.shape.key]: row.id };
  const stored = table.rows.get(row.id) ?? row;
  return { ...type, ...representRow(organization, selectedColumns(table, null), stored) };
};

/** `POST leads(id)/Microsoft.Dynamics.CRM.QualifyLead`. */
export const qualifyByApi = (asked: RowRequest, id: string): ApiResponse => {
  const { session, table } = asked;
  const { organization } = session;
  let created: readonly Created[] = [];
  const columns = ['statecode', 'statuscode'];
  const done = journalled(session, table, { id, kind: 'update', columns }, () => {
    demandPrivilege(organization.privileges, table.shape, 'Write');
    const lead = table.rows.get(id);
    if (lead !== undefined) demandRowAccess(organization, table, lead, 'Write');
    const body = readBody(asked);
    created = qualifyLead(organization, id, {
      createAccount: body.CreateAccount,
      createContact: body.CreateContact,
      createOpportunity: body.CreateOpportunity,
      status: body.Status,
      customer: {
        account: text(body.OpportunityCustomerId?.['accountid']),
        contact: text(body.OpportunityCustomerId?.['contactid']),
      },
      currency: text(body.OpportunityCurrencyId?.['transactioncurrencyid']),
      campaign: text(body.SourceCampaignId?.['campaignid']),
      by: organization.caller.user,
      byPerson: false,
      demandCreate: ({ shape }) => {
        demandPrivilege(organization.privileges, shape, 'Create');
      },
    });
    return emptyResponse(204);
  });
  if (organization.settings.qualifyAnswer === 'none') return done;
  const context = `${rootUrl(organization)}$metadata#Collection(Microsoft.Dynamics.CRM.crmbaseentity)`;
  const value = created.map((one) => describe(organization, one));
  return jsonResponse(200, { '@odata.context': context, value });
};
