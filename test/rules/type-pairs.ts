import {
  DYNAMICS_TYPES,
  MARKETO_TYPES,
  type DynamicsColumn,
  type MarketoField,
  type Option,
} from '../../rules/catalog.js';
import { codecFor, meets, type Codec } from '../../rules/codecs/index.js';
import { column, person } from './schema.js';

export const MARKETO = [...MARKETO_TYPES, 'unknown'] as const;
export const DYNAMICS = [...DYNAMICS_TYPES, 'unknown'] as const;

export const OPTIONS: readonly Option[] = [
  { value: 1, label: 'Advertisement' },
  { value: 2, label: 'Employee Referral' },
  { value: 8, label: 'Web' },
  { value: 9, label: ' web ' },
  { value: 10, label: '日本語 🎌' },
  { value: 11, label: '' },
  { value: 12, label: 'a;b' },
  { value: 13, label: 'Smith, Jones' },
];
const FORMER: readonly Option[] = [
  { value: 8, label: 'Internet' },
  { value: 99, label: 'Carrier Pigeon' },
];

/** The columns of a type that are told apart: as metadata tells it, and with limits. */
export function columnsOf(type: DynamicsColumn['type']): readonly DynamicsColumn[] {
  switch (type) {
    case 'picklist':
    case 'multiselect':
    case 'state':
    case 'status':
      return [
        column(type, { options: OPTIONS }),
        column(type, { options: OPTIONS, formerOptions: FORMER }),
        column(type),
      ];
    case 'decimal':
    case 'double':
    case 'money':
      return [
        column(type),
        ...[0, 1, 3, 4, 5, 10].map((precision) => column(type, { precision })),
        column(type, { precision: 2, min: -50, max: 1e14 }),
      ];
    case 'integer':
      return [column(type), column(type, { min: -50, max: 50 })];
    case 'string':
    case 'memo':
      return [column(type), column(type, { maxLength: 20 })];
    default:
      return [column(type)];
  }
}

export interface Meeting {
  readonly field: MarketoField;
  readonly column: DynamicsColumn;
  readonly codec: Codec;
}

/** Two types, and how each of their columns meets the field, or the reason why none does. */
export interface TypePair {
  readonly marketo: (typeof MARKETO)[number];
  readonly dynamics: (typeof DYNAMICS)[number];
  readonly meetings: readonly Meeting[];
  readonly reason: string | undefined;
}

export const PAIRS: readonly TypePair[] = MARKETO.flatMap((marketo) =>
  DYNAMICS.map((dynamics): TypePair => {
    const field = person(marketo);
    const found = columnsOf(dynamics).map((each) => ({ each, codec: codecFor(field, each) }));
    const meetings = found.flatMap(({ each, codec }) =>
      meets(codec) ? [{ field, column: each, codec }] : [],
    );
    const [reason] = found.flatMap(({ codec }) => (meets(codec) ? [] : [codec.cannotMeet]));
    return { marketo, dynamics, meetings, reason };
  }),
);
