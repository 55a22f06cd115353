import { badQuery, tooDeep } from '../errors.js';
import { isGuid, type ColumnValue } from '../rows/values.js';

export type Comparison = 'eq' | 'ne' | 'gt' | 'ge' | 'lt' | 'le';
export type TextTest = 'contains' | 'startswith' | 'endswith';

export type Filter =
  | { readonly kind: 'and' | 'or'; readonly left: Filter; readonly right: Filter }
  | { readonly kind: 'not'; readonly inner: Filter }
  | {
      readonly kind: 'compare';
      readonly operator: Comparison;
      readonly property: string;
      readonly value: ColumnValue;
    }
  | { readonly kind: TextTest; readonly property: string; readonly value: string }
  /** `children/any(c:c/name eq 'x')`; without an inner filter: whether there are children at all. */
  | {
      readonly kind: 'any' | 'all';
      readonly navigation: string;
      readonly inner: Filter | null;
    }
  | { readonly kind: 'in'; readonly property: string; readonly values: readonly string[] };

interface Token {
  readonly kind: 'word' | 'text' | 'mark' | 'end';
  readonly text: string;
  readonly at: number;
}

const tokenPattern = /\s*(?:'((?:[^']|'')*)'|("(?:[^"\\]|\\.)*")|([(),[\]=])|([^\s(),'"[\]=]+))/y;

const tokenize = (source: string): Token[] => {
  const tokens: Token[] = [];
  const pattern = new RegExp(tokenPattern);
  while (source.slice(pattern.lastIndex).trim() !== '') {
    const at = pattern.lastIndex;
    const match = pattern.exec(source);
    if (match === null) throw badQuery(`Syntax error at position ${at} in '${source}'.`);
    const [, single, double, mark, word] = match;
    if (single !== undefined) tokens.push({ kind: 'text', text: single.replace(/''/g, "'"), at });
    else if (double !== undefined) tokens.push({ kind: 'text', text: jsonText(double), at });
    else if (mark !== undefined) tokens.push({ kind: 'mark', text: mark, at });
    else tokens.push({ kind: 'word', text: word ?? '', at });
  }
  return tokens;
};

const jsonText = (quoted: string): string => {
  try {
    return String(JSON.parse(quoted));
  } catch {
    throw badQuery(`The value ${quoted} is not a valid string.`);
  }
};

const comparisons: readonly string[] = ['eq', 'ne', 'gt', 'ge', 'lt', 'le'];
const isComparison = (word: string): word is Comparison => comparisons.includes(word);
const textTests: readonly string[] = ['contains', 'startswith', 'endswith'];
const isTextTest = (word: string): word is TextTest => textTests.includes(word);

const literal = (word: string): ColumnValue => {
  if (word === 'null') return null;
  if (word === 'true' || word === 'false') return word === 'true';
  if (/^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(word)) return Number(word);
  if (isGuid(word)) return word.toLowerCase();
  if (/^\d{4}-\d{2}-\d{2}/.test(word)) return word;
  throw badQuery(`'${word}' is not a literal that this query understands.`);
};

/** Parentheses and `not` inside of each other; the OData library's default (`FilterLimit`). */
const deepest = 800;

class Parser {
  readonly #source: string;
  readonly #tokens: Token[];
  readonly #aliases: Readonly<Record<string, string>>;
  #next = 0;
  #depth = 0;
  /** `c/` inside of `any(c:...)`; a lambda inside a lambda is not read. */
  #prefix = '';

  constructor(source: string, aliases: Readonly<Record<string, string>>) {
    this.#source = source;
    this.#tokens = tokenize(source);
    this.#aliases = aliases;
  }

  parse(): Filter {
    const filter = this.#or();
    if (this.#peek().kind !== 'end') throw this.#syntaxError();
    return filter;
  }

  #or(): Filter {
    let left = this.#and();
    while (this.#takeWord('or')) left = { kind: 'or', left, right: this.#and() };
    return left;
  }

  #and(): Filter {
    let left = this.#unary();
    while (this.#takeWord('and')) left = { kind: 'and', left, right: this.#unary() };
    return left;
  }

  #unary(): Filter {
    this.#depth += 1;
    if (this.#depth > deepest) throw tooDeep();
    const filter = this.#term();
    this.#depth -= 1;
    return filter;
  }

  #term(): Filter {
    if (this.#takeWord('not')) return { kind: 'not', inner: this.#unary() };
    if (this.#takeMark('(')) {
      const inner = this.#or();
      this.#demandMark(')');
      return inner;
    }
    const word = this.#word();
    if (isTextTest(word)) return this.#textTest(word);
    if (word === 'Microsoft.Dynamics.CRM.In') return this.#in();
    const lambda = /^(.+)\/(any|all)$/.exec(word);
    if (lambda !== null && this.#takeMark('(')) {
      return this.#lambda(lambda[1] ?? '', lambda[2] === 'any' ? 'any' : 'all');
    }
    if (this.#peek().text === '(') throw badQuery(`An unknown function with name '${word}' was found.`);
    const operator = this.#word();
    if (!isComparison(operator)) throw this.#syntaxError();
    return { kind: 'compare', operator, property: this.#local(word), value: this.#literal() };
  }

  #lambda(navigation: string, kind: 'any' | 'all'): Filter {
    if (kind === 'any' && this.#takeMark(')')) return { kind, navigation, inner: null };
    const at = this.#peek().at;
    const head = /^(\w+):(.*)$/.exec(this.#word());
    if (head === null || this.#prefix !== '') throw this.#syntaxError();
    const [, variable = '', rest = ''] = head;
    this.#prefix = `${variable}/`;
    // `c:c/name` came as one word: what stands after the colon is read as a word of its own.
    if (rest !== '') {
      this.#next -= 1;
      this.#tokens[this.#next] = { kind: 'word', text: rest, at };
    }
    const inner = this.#or();
    this.#prefix = '';
    this.#demandMark(')');
    return { kind, navigation, inner };
  }

  /** A property name without the variable of the lambda that it stands in. */
  #local(word: string): string {
    if (this.#prefix === '') return word;
    if (!word.startsWith(this.#prefix)) throw this.#syntaxError();
    return word.slice(this.#prefix.length);
  }

  #textTest(kind: TextTest): Filter {
    this.#demandMark('(');
    const property = this.#local(this.#word());
    this.#demandMark(',');
    const value = this.#literal();
    this.#demandMark(')');
    if (typeof value !== 'string') throw this.#syntaxError();
    return { kind, property, value };
  }

  #in(): Filter {
    this.#demandMark('(');
    this.#demandArgument('PropertyName');
    const property = this.#alias((parser) => parser.#text());
    this.#demandMark(',');
    this.#demandArgument('PropertyValues');
    const values = this.#alias((parser) => parser.#list());
    this.#demandMark(')');
    return { kind: 'in', property, values };
  }

  #list(): string[] {
    this.#demandMark('[');
    const values = [this.#text()];
    while (this.#takeMark(',')) values.push(this.#text());
    this.#demandMark(']');
    return values;
  }

  /** Reads a value where it stands or, for `@p1`, in the parameter of that name. */
  #alias<T>(read: (parser: Parser) => T): T {
    const token = this.#peek();
    if (token.kind !== 'word' || !token.text.startsWith('@')) return read(this);
    this.#next += 1;
    const value = this.#aliases[token.text];
    if (value === undefined) throw badQuery(`The parameter alias '${token.text}' has no value.`);
    return read(new Parser(value, {}));
  }

  #literal(): ColumnValue {
    const token = this.#peek();
    this.#next += 1;
    if (token.kind === 'text') return token.text;
    if (token.kind !== 'word') throw this.#syntaxError();
    // An enumeration value: Microsoft.Dynamics.CRM.AttributeTypeCode'Picklist'
    if (/^Microsoft\.Dynamics\.CRM\.\w+$/.test(token.text)) return this.#text();
    return literal(token.text);
  }

  #peek(): Token {
    return this.#tokens[this.#next] ?? { kind: 'end', text: '', at: this.#source.length };
  }

  #text(): string {
    const token = this.#peek();
    if (token.kind !== 'text') throw this.#syntaxError();
    this.#next += 1;
    return token.text;
  }

  #word(): string {
    const token = this.#peek();
    if (token.kind !== 'word') throw this.#syntaxError();
    this.#next += 1;
    return token.text;
  }

  #takeWord(word: string): boolean {
    return this.#take('word', word);
  }

  #takeMark(mark: string): boolean {
    return this.#take('mark', mark);
  }

  #take(kind: Token['kind'], text: string): boolean {
    const token = this.#peek();
    if (token.kind !== kind || token.text !== text) return false;
    this.#next += 1;
    return true;
  }

  #demandMark(mark: string): void {
    if (!this.#takeMark(mark)) throw this.#syntaxError();
  }

  #demandArgument(name: string): void {
    if (!this.#takeWord(name) || !this.#takeMark('=')) throw this.#syntaxError();
  }

  #syntaxError(): Error {
    return badQuery(`Syntax error at position ${this.#peek().at} in '${this.#source}'.`);
  }
}

/** Reads a `$filter`; what it does not understand is a 400 that names the position. */
export const parseFilter = (source: string, aliases: Readonly<Record<string, string>> = {}): Filter =>
  new Parser(source, aliases).parse();
