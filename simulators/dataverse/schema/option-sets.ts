import type { Column, Option } from './columns.js';
import { label } from './labels.js';
import type { Definition } from './metadata.js';
import type { Organization } from '../organization.js';
import { namedGuid } from '../rows/values.js';

const optionOf = (option: Option, id: string): Definition => ({
  Value: option.value,
  ...(option.state === undefined ? {} : { State: option.state }),
  Label: label(option.label, `${id} ${option.value}`),
});

/** The options of a column, as its own choice or as the global one that it uses. */
export const optionSet = (column: Column): Definition => {
  const { globalOptionSet: name } = column;
  const id = name ?? column.metadataId;
  const options = (column.options ?? []).map((option) => optionOf(option, id));
  const shared = {
    MetadataId: namedGuid(`options ${id}`),
    IsGlobal: name !== undefined,
    OptionSetType: column.type === 'Boolean' ? 'Boolean' : 'Picklist',
  };
  if (column.type === 'Boolean') return { ...shared, FalseOption: options[0], TrueOption: options[1] };
  return { ...shared, Name: name ?? `contoso_${column.logicalName}`, Options: options };
};

/** Global choices, each once however many columns use it. */
export const globalOptionSets = ({ tables }: Organization): Definition[] => {
  const found = new Map<string, Definition>();
  for (const { columns } of Object.values(tables)) {
    for (const column of columns.values()) {
      if (column.globalOptionSet === undefined || column.removed) continue;
      const set = { '@odata.type': '#Microsoft.Dynamics.CRM.OptionSetMetadata', ...optionSet(column) };
      found.set(column.globalOptionSet, set);
    }
  }
  return [...found.values()];
};
