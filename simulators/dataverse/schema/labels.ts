import { namedGuid } from '../rows/values.js';

type Json = Readonly<Record<string, unknown>>;

const ENGLISH = 1033;
const GERMAN = 1031;

/** Labels that the environment's second language, German, has; the others are there in English alone. */
const german: Readonly<Record<string, string>> = {
  Lead: 'Lead',
  Contact: 'Kontakt',
  Account: 'Firma',
  Opportunity: 'Verkaufschance',
  'First Name': 'Vorname',
  'Last Name': 'Nachname',
  'Full Name': 'Vollständiger Name',
  'Job Title': 'Position',
  'Company Name': 'Firmenname',
  Salutation: 'Anrede',
  Topic: 'Thema',
  Description: 'Beschreibung',
  Department: 'Abteilung',
  'Mobile Phone': 'Mobiltelefon',
  Website: 'Website',
  Advertisement: 'Werbung',
  'Employee Referral': 'Empfehlung eines Mitarbeiters',
  'External Referral': 'Externe Empfehlung',
  'Public Relations': 'Öffentlichkeitsarbeit',
  Seminar: 'Seminar',
  'Trade Show': 'Messe',
  Web: 'Web',
  'Word of Mouth': 'Mundpropaganda',
  Other: 'Sonstige',
  Hot: 'Heiß',
  Warm: 'Warm',
  Cold: 'Kalt',
  Any: 'Beliebig',
  Phone: 'Telefon',
  Mail: 'Brief',
  Open: 'Offen',
  New: 'Neu',
  Contacted: 'Kontakt aufgenommen',
  Qualified: 'Qualifiziert',
  Disqualified: 'Disqualifiziert',
  Lost: 'Verloren',
  Active: 'Aktiv',
  Inactive: 'Inaktiv',
  Yes: 'Ja',
  No: 'Nein',
  Allow: 'Zulassen',
  'Do Not Allow': 'Nicht zulassen',
};

const localized = (text: string, code: number, id: string): Json => ({
  Label: text,
  LanguageCode: code,
  IsManaged: true,
  MetadataId: namedGuid(`label ${code} ${id}`),
});

/** A label in every language it has; the user's one is chosen by `inLanguage`. */
export const label = (text: string, id: string): Json => {
  const english = localized(text, ENGLISH, id);
  const translated = german[text];
  const other = translated === undefined ? [] : [localized(translated, GERMAN, id)];
  return { LocalizedLabels: [english, ...other], UserLocalizedLabel: english };
};

const languageOf = (one: unknown): unknown =>
  typeof one === 'object' && one !== null ? (one as Json)['LanguageCode'] : undefined;

/** The same answer with `UserLocalizedLabel` in the user's language wherever there is a text in it. */
export const inLanguage = (value: unknown, language: number): unknown => {
  if (language === ENGLISH || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((one) => inLanguage(one, language));
  const whole = value as Json;
  const labels = whole['LocalizedLabels'];
  if (!Array.isArray(labels)) {
    return Object.fromEntries(Object.entries(whole).map(([name, one]) => [name, inLanguage(one, language)]));
  }
  const wanted: unknown = labels.find((one) => languageOf(one) === language);
  return wanted === undefined ? whole : { ...whole, UserLocalizedLabel: wanted };
};
