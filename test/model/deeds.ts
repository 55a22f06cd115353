import { v5 as uuidFrom } from 'uuid';
import { FIELDS, normal, toSide, type FieldName, type Kind, type Side, type Value } from './fields.js';
import type { Names, Observed } from './observed.js';
import { turnHold } from './holds.js';
import { obey, type Ordered } from './orders.js';
import { FORBIDDEN, LONG } from './reference/merge.js';
import type { Deed } from './reference/people.js';
import type { Outcome } from './reference/request.js';
import type { Values } from './reference/state.js';
import type { Act, Typed } from './scenario.js';
import { Requests, type Answered } from './requests.js';
import type { Stage } from './stage.js';

/** A request and what came of it. */
export interface Asked {
  readonly did: 'request';
  readonly person: string;
  readonly as: Kind;
  readonly outcome: Outcome;
}

/** Whatever was done. */
export type Done = Deed | Asked | Ordered;
export type { Ordered } from './orders.js';

/** One value that a person typed, to be found again at the end. */
export interface Typing {
  readonly side: Side;
  readonly record: string;
  readonly field: FieldName;
  readonly value: Value;
}

/** Name space of the ids of rows: the same in every run of a script. */
const ROWS = '6a1f8f0e-52a1-4a57-8f0b-0d6a3e6c1a77';

/** People at work in the real systems: what they did is told, so that the model can do the same. */
export class People {
  readonly #stage: Stage;
  readonly #names: Names;
  readonly #there: Record<Side, Set<string>> = { marketo: new Set(), dynamics: new Set() };
  readonly #kinds = new Map<string, Kind>();
  readonly #typed = new Map<FieldName, Value[]>();
  readonly typings: Typing[] = [];
  readonly #requests: Requests;
  #count = 0;

  constructor(stage: Stage, names: Names) {
    this.#stage = stage;
    this.#names = names;
    this.#requests = new Requests(stage);
  }

  /** Records as they were last seen. */
  look({ persons, rows }: Observed): void {
    this.#there.marketo = new Set(persons.keys());
    this.#there.dynamics = new Set(rows.keys());
    for (const [name, { kind }] of rows) this.#kinds.set(name, kind);
  }

  /** What was really done, in its order; nothing where there is no such record, or the product refused it. */
  async act(act: Act): Promise<Done[]> {
    this.#count += 1;
    switch (act.do) {
      case 'edit':
        return this.#edit(act);
      case 'create':
        return this.#create(act);
      case 'swap-emails':
        return this.#swap(act);
      case 'delete':
        return this.#delete(act);
      case 'merge':
        return this.#merge(act);
      case 'qualify':
        return this.#qualify(act);
      case 'request':
        return this.#request(act);
      case 'hold':
        return this.#hold(act);
      default:
        return obey(this.#stage, act);
    }
  }

  async #hold({ side, record: number, on }: Extract<Act, { do: 'hold' }>): Promise<Ordered[]> {
    const record = this.#pick(side, number);
    if (record === undefined) return [];
    return turnHold(this.#stage, { side, record, id: this.#id(side, record) }, on);
  }

  #pick(side: Side, number: number, kind?: Kind): string | undefined {
    const all = this.#names
      .all(side)
      .filter(
        (name) => this.#there[side].has(name) && (kind === undefined || this.#kinds.get(name) === kind),
      );
    return all.length === 0 ? undefined : all[number % all.length];
  }

  #id(side: Side, name: string): string {
    return this.#names.idOf(side, name);
  }

  #path(side: Side, name: string): string {
    return side === 'marketo'
      ? `/admin/persons/${this.#id(side, name)}`
      : `/admin/rows/${this.#kinds.get(name) ?? 'lead'}s/${this.#id(side, name)}`;
  }

  #value(side: Side, field: FieldName, typed: Typed): Value {
    const fresh = `${side === 'marketo' ? 'M' : 'D'}${String(this.#count)}`;
    const { options, consent } = FIELDS[field];
    if (typeof typed === 'object') {
      const before = this.#typed.get(field) ?? [];
      return normal(field, before[typed.old % Math.max(1, before.length)]);
    }
    if (consent) return typed !== 'blank';
    if (typed === 'blank') return null;
    if (options !== undefined) return options[this.#count % options.length] ?? null;
    if (field === 'email') return `${fresh.toLowerCase()}@x.example`;
    if (typed === 'long' && field === 'city') return `${LONG}${fresh}`;
    return typed === 'forbidden' && field === 'title' ? `${FORBIDDEN}${fresh}` : fresh;
  }

  #remember(side: Side, record: string, values: Partial<Values>): void {
    for (const [field, value] of Object.entries(values) as [FieldName, Value][]) {
      this.#typed.set(field, [...(this.#typed.get(field) ?? []), value]);
      this.typings.push({ side, record, field, value });
    }
  }

  async #edit({
    side,
    record: number,
    field,
    typed,
    likeSync,
  }: Extract<Act, { do: 'edit' }>): Promise<Deed[]> {
    const record = this.#pick(side, number);
    if (record === undefined) return [];
    const value = this.#value(side, field, typed);
    const isOld = typeof typed === 'object';
    return this.#write(side, record, field, value, likeSync && !(side === 'marketo' && isOld));
  }

  async #write(
    side: Side,
    record: string,
    field: FieldName,
    value: Value,
    likeSync: boolean,
  ): Promise<Deed[]> {
    const column = side === 'marketo' ? field : FIELDS[field].columns[this.#kinds.get(record) ?? 'lead'];
    if (column === undefined) return [];
    const how = likeSync ? (side === 'marketo' ? '?source=api' : '?as=sync') : '';
    const done = await this.#stage.door(side, 'PATCH', `${this.#path(side, record)}${how}`, {
      [column]: toSide(side, field, value),
    });
    if (done === undefined) return [];
    this.#remember(side, record, { [field]: value });
    return [{ did: 'edit', side, record, field, value }];
  }

  async #create({ side, kind, twinOf, filled }: Extract<Act, { do: 'create' }>): Promise<Deed[]> {
    const twin = twinOf === null ? undefined : await this.#emailOf(twinOf);
    const values: Partial<Values> = { email: twin ?? this.#value(side, 'email', 'new') };
    for (const field of filled) {
      if (side === 'dynamics' && FIELDS[field].columns[kind] === undefined) continue;
      values[field] = this.#value(side, field, 'new');
    }
    const record = `${side === 'marketo' ? 'p' : kind}${String(this.#count)}`;
    const cells = Object.fromEntries(
      (Object.entries(values) as [FieldName, Value][]).map(([field, value]) => [
        (side === 'marketo' ? field : FIELDS[field].columns[kind]) ?? field,
        toSide(side, field, value),
      ]),
    );
    const path = side === 'marketo' ? '/admin/persons' : `/admin/rows/${kind}s`;
    const input = side === 'marketo' ? cells : { ...cells, [`${kind}id`]: uuidFrom(record, ROWS) };
    const done = (await this.#stage.door(side, 'POST', path, { input: [input] })) as
      { readonly ids: readonly (string | number)[] } | undefined;
    if (done === undefined) return [];
    this.#kinds.set(record, kind);
    this.#add(side, record, String(done.ids[0]));
    this.#remember(side, record, values);
    return [{ did: 'create', side, record, kind, values }];
  }

  #add(side: Side, record: string, id: string): void {
    this.#names.add(side, record, id);
    this.#there[side].add(record);
  }

  async #read(side: Side, record: string): Promise<Readonly<Record<string, unknown>> | undefined> {
    const answer = (await this.#stage.door(side, 'GET', this.#path(side, record))) as
      Record<'person' | 'row', Readonly<Record<string, unknown>>> | undefined;
    return side === 'marketo' ? answer?.person : answer?.row;
  }

  async #emailOf(number: number): Promise<string | undefined> {
    const side = number % 2 === 0 ? 'marketo' : 'dynamics';
    const record = this.#pick(side, number >> 1) ?? this.#pick('dynamics', number);
    if (record === undefined) return undefined;
    const of = this.#names.all('marketo').includes(record) ? 'marketo' : 'dynamics';
    const values = await this.#read(of, record);
    const email = values?.[of === 'marketo' ? 'email' : 'emailaddress1'];
    return typeof email === 'string' ? email.toLowerCase() : undefined;
  }

  async #swap({ side, record: a, other: b }: Extract<Act, { do: 'swap-emails' }>): Promise<Deed[]> {
    const [record, other] = [this.#pick(side, a), this.#pick(side, b)];
    if (record === undefined || other === undefined || record === other) return [];
    const column = side === 'marketo' ? 'email' : 'emailaddress1';
    const emails = [await this.#read(side, record), await this.#read(side, other)].map((values) => {
      const email = values?.[column];
      return typeof email === 'string' ? email.toLowerCase() : null;
    });
    return [
      ...(await this.#write(side, record, 'email', emails[1] ?? null, false)),
      ...(await this.#write(side, other, 'email', emails[0] ?? null, false)),
    ];
  }

  async #delete({ side, record: number }: Extract<Act, { do: 'delete' }>): Promise<Deed[]> {
    const record = this.#pick(side, number);
    if (record === undefined) return [];
    if ((await this.#stage.door(side, 'DELETE', this.#path(side, record))) === undefined) return [];
    this.#there[side].delete(record);
    return [{ did: 'delete', side, record }];
  }

  async #merge({ side, winner: a, loser: b }: Extract<Act, { do: 'merge' }>): Promise<Deed[]> {
    const winner = this.#pick(side, a);
    const loser = this.#pick(side, b, side === 'marketo' ? undefined : this.#kinds.get(winner ?? ''));
    if (winner === undefined || loser === undefined || winner === loser) return [];
    const id = this.#id(side, loser);
    const body = side === 'marketo' ? { losers: [Number(id)] } : { subordinate: id };
    if ((await this.#stage.door(side, 'POST', `${this.#path(side, winner)}/merge`, body)) === undefined)
      return [];
    if (side === 'marketo') this.#there.marketo.delete(loser);
    return [{ did: 'merge', side, winner, loser }];
  }

  async #qualify({ record: number, into }: Extract<Act, { do: 'qualify' }>): Promise<Deed[]> {
    const lead = this.#pick('dynamics', number, 'lead');
    const old = into === null ? undefined : this.#pick('dynamics', into, 'contact');
    if (lead === undefined) return [];
    const answer = (await this.#stage.door('dynamics', 'POST', `${this.#path('dynamics', lead)}/qualify`, {
      createAccount: false,
      ...(old === undefined ? {} : { contact: this.#id('dynamics', old) }),
    })) as { readonly created: readonly { readonly table: string; readonly id: string }[] } | undefined;
    if (answer === undefined) return [];
    const made = answer.created.find(({ table }) => table === 'contact');
    const contact = old ?? `contact${String(this.#count)}`;
    if (old === undefined && made !== undefined) {
      this.#kinds.set(contact, 'contact');
      this.#add('dynamics', contact, made.id);
    }
    return [{ did: 'qualify', lead, contact, isNew: old === undefined }];
  }

  async #request({ record: number, as, dies }: Extract<Act, { do: 'request' }>): Promise<Asked[]> {
    const person = this.#pick('marketo', number);
    if (person === undefined) return [];
    const answered = await this.#requests.ask({ person, id: this.#id('marketo', person), as }, dies);
    return answered === undefined ? [] : [this.#took(answered)];
  }

  /** Requests that were not answered, because somebody else was at work on the same records or their worker died. */
  async askAgain(): Promise<Asked[]> {
    return (await this.#requests.again()).map((answered) => this.#took(answered));
  }

  get isWaiting(): boolean {
    return this.#requests.areWaiting;
  }

  #took({ person, as, result }: Answered): Asked {
    if (result.outcome === 'created' && result.dynamicsId !== null)
      this.#addRow(person, as, result.dynamicsId);
    return { did: 'request', person, as, outcome: result.outcome };
  }

  /** A row that a request made is named after its person. */
  #addRow(person: string, kind: Kind, id: string): void {
    const stem = `${person}*`;
    const before = this.#names.all('dynamics').filter((name) => name.startsWith(stem)).length;
    const row = `${stem}${String(before + 1)}`;
    if (this.#names.nameOf('dynamics', id) !== undefined) return;
    this.#kinds.set(row, kind);
    this.#add('dynamics', row, id);
  }
}
