import type { Option } from './columns.js';

const numbered = (labels: readonly string[]): readonly Option[] =>
  labels.map((label, index) => ({ value: index + 1, label }));

export const leadSources = numbered([
  'Advertisement',
  'Employee Referral',
  'External Referral',
  'Partner',
  'Public Relations',
  'Seminar',
  'Trade Show',
  'Web',
  'Word of Mouth',
  'Other',
]);

export const contactLeadSources = numbered(['Default Value']);

export const ratings = numbered(['Hot', 'Warm', 'Cold']);

export const contactMethods = numbered(['Any', 'Email', 'Phone', 'Fax', 'Mail']);

export const interests = numbered(['Data Platform', 'Analytics', 'Automation', 'Security', 'Training']);

export const industries = numbered([
  'Accounting',
  'Agriculture and Non-petrol Natural Resource Extraction',
  'Broadcasting Printing and Publishing',
  'Brokers',
  'Building Supply Retail',
  'Business Services',
  'Consulting',
  'Consumer Services',
  'Design, Direction and Creative Management',
  'Distributors, Dispatchers and Processors',
  "Doctor's Offices and Clinics",
  'Durable Manufacturing',
  'Eating and Drinking Places',
  'Entertainment Retail',
  'Equipment Rental and Leasing',
  'Financial',
  'Food and Tobacco Processing',
  'Inbound Capital Intensive Processing',
  'Inbound Repair and Services',
  'Insurance',
  'Legal Services',
  'Non-Durable Merchandise Retail',
  'Outbound Consumer Service',
  'Petrochemical Extraction and Distribution',
  'Service Retail',
  'SIG Affiliations',
  'Social Services',
  'Special Outbound Trade Contractors',
  'Specialty Realty',
  'Transportation',
  'Utility Creation and Distribution',
  'Vehicle Retail',
  'Wholesale',
]);

export const leadStates: readonly Option[] = [
  { value: 0, label: 'Open' },
  { value: 1, label: 'Qualified' },
  { value: 2, label: 'Disqualified' },
];

/** The first option of a state is its default. */
export const leadStatuses: readonly Option[] = [
  { value: 1, label: 'New', state: 0 },
  { value: 2, label: 'Contacted', state: 0 },
  { value: 3, label: 'Qualified', state: 1 },
  { value: 4, label: 'Lost', state: 2 },
  { value: 5, label: 'Cannot Contact', state: 2 },
  { value: 6, label: 'No Longer Interested', state: 2 },
  { value: 7, label: 'Canceled', state: 2 },
];

export const contactStates: readonly Option[] = [
  { value: 0, label: 'Active' },
  { value: 1, label: 'Inactive' },
];

export const contactStatuses: readonly Option[] = [
  { value: 1, label: 'Active', state: 0 },
  { value: 2, label: 'Inactive', state: 1 },
];

export const opportunityStates: readonly Option[] = [
  { value: 0, label: 'Open' },
  { value: 1, label: 'Won' },
  { value: 2, label: 'Lost' },
];

export const opportunityStatuses: readonly Option[] = [
  { value: 1, label: 'In Progress', state: 0 },
  { value: 2, label: 'On Hold', state: 0 },
  { value: 3, label: 'Won', state: 1 },
  { value: 4, label: 'Canceled', state: 2 },
  { value: 5, label: 'Out-Sold', state: 2 },
];
