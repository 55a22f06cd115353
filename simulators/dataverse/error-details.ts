import { newGuid } from './rows/values.js';

/** Names of refusals as the platform's list of web service error codes has them. */
const names: Readonly<Record<string, string>> = {
  '0x80040217': 'ObjectDoesNotExist',
  '0x8006088a': 'CrmHttpError',
  '0x80060888': 'CrmODataError',
  '0x80060891': 'RecordNotFoundByEntityKey',
  '0x80060890': 'EntityKeyNotDefined',
  '0x80040237': 'DuplicateRecord',
  '0x80060892': 'DuplicateRecordEntityKey',
  '0x80040333': 'DuplicateRecordsFound',
  '0x80060882': 'ConcurrencyVersionMismatch',
  '0x80040265': 'IsvAborted',
  '0x80044331': 'StringLengthTooLong',
  '0x80044330': 'DecimalValueOutOfRange',
  '0x8004432f': 'IntegerValueOutOfRange',
  '0x8004431a': 'PicklistValueOutOfRange',
  '0x80040239': 'InvalidDateTime',
  '0x80044354': 'IncorrectAttributeValueType',
  '0x80040200': 'RequiredFieldMissing',
  '0x80040203': 'InvalidArgument',
  '0x80048408': 'InvalidStateCodeStatusCode',
  '0x80040230': 'CannotUpdateObjectBecauseItIsInactive',
  '0x8004022e': 'CannotUpdateBecauseItIsReadOnly',
  '0x80040220': 'PrivilegeDenied',
  '0x80048306': 'unManagedIdsAccessDenied',
  '0x8004f507': 'AttributePermissionUpdateIsMissingDuringUpdate',
  '0x8004f502': 'AttributePrivilegeCreateIsMissing',
  '0x8004f506': 'QueryContainedSecuredAttributeWithoutAccess',
  '0x8004a110': 'CannotActOnBehalfOfAnotherUser',
  '0x80044352': 'ExpiredVersionStamp',
  '0x80072491': 'ChangeTrackingNotEnabledForEntity',
};

interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

const prefix = '@Microsoft.PowerApps.CDS.ErrorDetails';

/** What a plug-in's refusal says beside: who threw it, where it was registered, its own status. */
const pluginDetails = {
  [`${prefix}.ApiExceptionSourceKey`]: 'Plugin/Contoso.Plugins.DataPolicy, Contoso.Plugins',
  [`${prefix}.ApiStepSolutionNameKey`]: 'Contoso',
  [`${prefix}.ApiPluginSolutionNameKey`]: 'Contoso',
  [`${prefix}.OperationStatus`]: '0',
  [`${prefix}.SubErrorCode`]: '-2146233088',
};

/**
 * The strings that `odata.include-annotations="*"` adds to an error (Microsoft: "Compose HTTP requests and handle
 * errors", "Include more details with errors").
 */
export const errorDetails = (error: Refusal): Readonly<Record<string, string>> => ({
  [`${prefix}.ApiExceptionSourceKey`]: 'Plugin/Microsoft.Crm.Extensibility.InternalOperationPlugin',
  [`${prefix}.ApiStepKey`]: 'a3ebe2a6-0f2b-4c5c-9f3a-6b3a4e8e8b01',
  [`${prefix}.ApiDepthKey`]: '1',
  [`${prefix}.ApiActivityIdKey`]: newGuid(),
  [`${prefix}.ApiPluginSolutionNameKey`]: 'System',
  [`${prefix}.ApiStepSolutionNameKey`]: 'System',
  [`${prefix}.ApiExceptionCategory`]: error.status < 500 ? 'ClientError' : 'SystemFailure',
  [`${prefix}.ApiExceptionMessageName`]: names[error.code.toLowerCase()] ?? 'UnExpected',
  [`${prefix}.ApiExceptionHttpStatusCode`]: String(error.status),
  ...(error.code === '0x80040265' ? pluginDetails : {}),
  '@Microsoft.PowerApps.CDS.HelpLink': `http://go.microsoft.com/fwlink/?LinkID=398563&error=Microsoft.Crm.CrmException%3a${error.code}&client=platform`,
  '@Microsoft.PowerApps.CDS.TraceText': '',
  '@Microsoft.PowerApps.CDS.InnerError.Message': error.message,
});
