import type { Random } from './random.js';

/** A name or word as its owner writes it, and in the ASCII letters of an e-mail address. */
export interface Spelling {
  readonly written: string;
  readonly ascii: string;
}

export interface City {
  readonly city: string;
  readonly state: string | null;
  readonly country: string;
  /** `#` stands for a digit, `?` for a capital letter. */
  readonly postalCode: string;
}

type Some<Item> = readonly [Item, ...Item[]];

/** Where a human comes from: names in that place's script, its cities, its telephone numbers. */
export interface Home {
  readonly script: string;
  /** Share of the population, relative to the other homes. */
  readonly weight: number;
  readonly given: Some<Spelling>;
  readonly family: Some<Spelling>;
  readonly cities: Some<City>;
  /** `#` stands for a digit. */
  readonly phone: string;
  readonly street: Some<string>;
}

const LETTERS: Readonly<Record<string, string>> = {
  ß: 'ss', ł: 'l', Ł: 'L', ø: 'o', Ø: 'O', đ: 'd', Đ: 'D', ı: 'i', æ: 'ae', Æ: 'Ae', þ: 'th', Þ: 'Th', ð: 'd',
}; // prettier-ignore

const asciiOf = (written: string): string =>
  written
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .replace(/[^\p{ASCII}]/gu, (letter) => LETTERS[letter] ?? '')
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '');

function some<Item>(items: readonly Item[]): Some<Item> {
  const [first, ...rest] = items;
  if (first === undefined) throw new Error('A home needs at least one of each.');
  return [first, ...rest];
}

/** `Ελένη=eleni, Zoë`: names by comma, the ASCII form after `=` where it cannot be read off the letters. */
const spellings = (text: string): Some<Spelling> =>
  some(
    text.split(', ').map((entry) => {
      const [written = '', ascii = asciiOf(written)] = entry.split('=');
      return { written, ascii };
    }),
  );

const city = (name: string, state: string | null, country: string, postalCode: string): City => ({
  city: name,
  state,
  country,
  postalCode,
});

const LATIN_HOMES: readonly Home[] = [
  {
    script: 'Latin',
    weight: 16,
    given: spellings('Olivia, Noah, Grace, Liam, Maya, Ethan, Zoë, Chloé, Owen, Ruth, Aaron, Siobhán'),
    family: spellings(
      "Smith, O'Connor, Johnson, Fitzgerald, Nguyen, Parker, MacDonald, Brontë, St. John, Hughes, Ng, D'Arcy",
    ),
    cities: [
      city('Boston', 'MA', 'United States', '02###'),
      city('San José', 'CA', 'United States', '95###'),
      city('Leeds', 'West Yorkshire', 'United Kingdom', 'LS# #??'),
      city('Montréal', 'QC', 'Canada', 'H#? #?#'),
      city('Dublin', null, 'Ireland', 'D0# ?#?#'),
    ],
    phone: '+1 617 555 0###',
    street: ['Main St', 'Elm Avenue', 'High Street', 'King’s Road'],
  },
  {
    script: 'Latin',
    weight: 10,
    given: spellings(
      'Jürgen, Ännchen, Björn, Käthe, Lukas, Ingrid, Søren, Åse, Þórdís, Günther, Mia, Frederik',
    ),
    family: spellings(
      'Müller, Weiß, Größ, Strauß, Jørgensen, Åkesson, Sigurðardóttir, Schröder, Lindström, Özdemir',
    ),
    cities: [
      city('München', 'Bayern', 'Germany', '80###'),
      city('Zürich', 'ZH', 'Switzerland', '80##'),
      city('København', null, 'Denmark', '21##'),
      city('Malmö', 'Skåne', 'Sweden', '211 ##'),
      city('Reykjavík', null, 'Iceland', '10#'),
    ],
    phone: '+49 89 ### ####',
    street: ['Hauptstraße', 'Bahnhofstraße', 'Vestergade', 'Drottninggatan'],
  },
  {
    script: 'Latin',
    weight: 10,
    given: spellings(
      'Łukasz, Jiří, Žaneta, Małgorzata, Ágnes, Šárka, Dušan, Mirela, Ștefan, Béla, Ivana, Zdeněk',
    ),
    family: spellings(
      'Wójcik, Dvořák, Nováková, Kovács, Šťastný, Horváth, Brzęczyszczykiewicz, Đorđević, Țurcanu, Żak',
    ),
    cities: [
      city('Kraków', 'Małopolskie', 'Poland', '3#-###'),
      city('Brno', null, 'Czechia', '602 ##'),
      city('Győr', null, 'Hungary', '902#'),
      city('Cluj-Napoca', 'Cluj', 'Romania', '400###'),
      city('Niš', null, 'Serbia', '18###'),
    ],
    phone: '+420 2## ### ###',
    street: ['ulica Długa', 'Náměstí Míru', 'Kossuth utca', 'Strada Memorandumului'],
  },
  {
    script: 'Latin',
    weight: 12,
    given: spellings(
      'José, Inês, François, María, João, Éloïse, Nuño, Giulia, Lucía, Benoît, Conceição, Matteo',
    ),
    family: spellings(
      "Núñez, García Márquez, d'Alembert, Gonçalves, Peña, Lefèvre, De Luca, Ibáñez, Araújo, Béart",
    ),
    cities: [
      city('A Coruña', 'Galicia', 'Spain', '150##'),
      city('São Paulo', 'SP', 'Brazil', '01###-###'),
      city('Besançon', null, 'France', '25###'),
      city('Bogotá', 'D.C.', 'Colombia', '11####'),
      city("L'Aquila", 'AQ', 'Italy', '671##'),
    ],
    phone: '+34 9## ### ###',
    street: ['Calle Mayor', 'Rua Augusta', 'Rue de l’Église', 'Via Roma'],
  },
  {
    script: 'Latin',
    weight: 6,
    given: spellings('Ayşe, İbrahim, Işıl, Nguyễn Thị, Đức, Thảo, Adaeze, Kwame, Çağla, Olúwaṣeun'),
    family: spellings('Yılmaz, Şahin, Trần, Lê, Okonkwo, Mensah, Çelik, Phạm, Adébáyọ̀, Öztürk'),
    cities: [
      city('İstanbul', 'Marmara', 'Türkiye', '34###'),
      city('Đà Nẵng', null, 'Vietnam', '55####'),
      city('Ìbàdàn', 'Oyo', 'Nigeria', '2002##'),
      city('Accra', null, 'Ghana', 'GA-###'),
    ],
    phone: '+90 212 ### ## ##',
    street: ['İstiklal Caddesi', 'Lê Lợi', 'Ring Road'],
  },
];

const OTHER_HOMES: readonly Home[] = [
  {
    script: 'Greek',
    weight: 4,
    given: spellings(
      'Ελένη=eleni, Γιώργος=giorgos, Σοφία=sofia, Νίκος=nikos, Χρυσάνθη=chrysanthi, Οδυσσέας=odysseas',
    ),
    family: spellings('Παπαδόπουλος=papadopoulos, Γεωργίου=georgiou, Ψαρρός=psarros, Ιωάννου=ioannou'),
    cities: [city('Θεσσαλονίκη', null, 'Greece', '546 ##'), city('Λευκωσία', null, 'Cyprus', '10##')],
    phone: '+30 210 ### ####',
    street: ['Ερμού', 'Τσιμισκή'],
  },
  {
    script: 'Cyrillic',
    weight: 8,
    given: spellings(
      'Оксана=oksana, Дмитрий=dmitry, Юлія=yuliia, Кирил=kiril, Ѓорѓи=gjorgji, Анастасия=anastasia',
    ),
    family: spellings(
      'Шевченко=shevchenko, Иванов=ivanov, Ковальчук=kovalchuk, Щербаков=shcherbakov, Петровић=petrovic',
    ),
    cities: [
      city('Київ', null, 'Ukraine', '01###'),
      city('София', null, 'Bulgaria', '10##'),
      city('Алматы', null, 'Kazakhstan', '0500##'),
    ],
    phone: '+380 44 ### ## ##',
    street: ['вулиця Хрещатик', 'бул. Витоша'],
  },
  {
    script: 'Arabic',
    weight: 5,
    given: spellings('فاطمة=fatima, محمد=mohammed, ليلى=layla, يوسف=yusuf, زينب=zaynab'),
    family: spellings('الحسيني=alhusseini, بن علي=benali, القحطاني=alqahtani, حداد=haddad'),
    cities: [city('القاهرة', null, 'Egypt', '115##'), city('دبي', null, 'United Arab Emirates', '#####')],
    phone: '+20 2 #### ####',
    street: ['شارع التحرير', 'شارع الشيخ زايد'],
  },
  {
    script: 'Hebrew',
    weight: 3,
    given: spellings('יעל=yael, דוד=david, נועה=noa, משה=moshe'),
    family: spellings('כהן=cohen, לוי=levi, בן־דוד=bendavid, מזרחי=mizrahi'),
    cities: [city('תל אביב', null, 'Israel', '61#####'), city('חיפה', null, 'Israel', '31#####')],
    phone: '+972 3 ### ####',
    street: ['רחוב הרצל', 'שדרות רוטשילד'],
  },
  {
    script: 'Devanagari',
    weight: 5,
    given: spellings('प्रिया=priya, अर्जुन=arjun, लक्ष्मी=lakshmi, रवि=ravi, श्रेया=shreya'),
    family: spellings('शर्मा=sharma, पटेल=patel, सिंह=singh, कृष्णमूर्ति=krishnamurthy'),
    cities: [city('मुंबई', 'महाराष्ट्र', 'India', '4000##'), city('काठमाडौं', null, 'Nepal', '446##')],
    phone: '+91 22 #### ####',
    street: ['महात्मा गांधी मार्ग', 'स्टेशन रोड'],
  },
  {
    script: 'Thai',
    weight: 4,
    given: spellings('สมชาย=somchai, กัญญา=kanya, ณัฐพงศ์=natthaphong, ศิริพร=siriporn'),
    family: spellings('ใจดี=jaidee, วงศ์สวัสดิ์=wongsawat, ศรีสุข=srisuk'),
    cities: [city('กรุงเทพมหานคร', null, 'Thailand', '101##'), city('เชียงใหม่', null, 'Thailand', '502##')],
    phone: '+66 2 ### ####',
    street: ['ถนนสุขุมวิท', 'ถนนนิมมานเหมินท์'],
  },
  {
    script: 'Han',
    weight: 7,
    given: spellings('伟=wei, 秀英=xiuying, 明=ming, 静怡=jingyi, 志豪=zhihao, 𠮷美=jimei'),
    family: spellings('王=wang, 李=li, 欧阳=ouyang, 張=zhang, 龍=long'),
    cities: [city('上海市', null, 'China', '2000##'), city('臺北市', null, 'Taiwan', '1####')],
    phone: '+86 21 #### ####',
    street: ['南京东路', '忠孝東路'],
  },
  {
    script: 'Hangul',
    weight: 5,
    given: spellings('민준=minjun, 서연=seoyeon, 지훈=jihoon, 하은=haeun'),
    family: spellings('김=kim, 이=lee, 박=park, 남궁=namgung'),
    cities: [
      city('서울특별시', null, 'South Korea', '04###'),
      city('부산광역시', null, 'South Korea', '48###'),
    ],
    phone: '+82 2 #### ####',
    street: ['세종대로', '테헤란로'],
  },
  {
    script: 'Kana',
    weight: 5,
    given: spellings('さくら=sakura, ひろし=hiroshi, ユキ=yuki, アカネ=akane'),
    family: spellings('サトウ=sato, タナカ=tanaka, やまもと=yamamoto, ワタナベ=watanabe'),
    cities: [
      city('つくば市', 'いばらき', 'Japan', '305-00##'),
      city('さいたま市', null, 'Japan', '330-00##'),
    ],
    phone: '+81 3 #### ####',
    street: ['さくらどおり', 'みなみちょう'],
  },
];

const HOMES = some([...LATIN_HOMES, ...OTHER_HOMES]);
const TOTAL_WEIGHT = HOMES.reduce((sum, { weight }) => sum + weight, 0);

export function pickHome(random: Random): Home {
  let rest = random.next() * TOTAL_WEIGHT;
  return HOMES.find(({ weight }) => (rest -= weight) < 0) ?? HOMES[0];
}

const CAPITALS = 'ABCDEFGHJKLMNPRSTUVWXY';

/** The pattern with each `#` made a digit and each `?` a capital letter. */
export const filledIn = (pattern: string, random: Random): string =>
  pattern.replace(/[#?]/g, (mark) =>
    mark === '#' ? String(random.integer(0, 9)) : CAPITALS.charAt(random.integer(0, CAPITALS.length - 1)),
  );
