import fc from 'fast-check';
import { deepValues, hostileKeys, hostileTexts, hostileValues, writeJson } from './hostile-values.ts';
import type { Operation, Parameter } from './operations.ts';
import type { KnownValues } from './known-values.ts';
import { validValues } from './valid-values.ts';

export interface HttpRequest {
  method: string;
  /** With the query. */
  path: string;
  headers: Record<string, string | string[]>;
  body: string | Buffer | null;
}

const json = { 'content-type': 'application/json' };
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'SEARCH'];

/** One kind of requests that an endpoint does not expect. */
interface Malformation {
  /** How often it is worth sending, beside the others. */
  weight: number;
  arbitrary: fc.Arbitrary<HttpRequest>;
}

/** Requests that an endpoint does not expect: a valid one with something wrong in one place, or many. */
export function malformedRequests(operation: Operation, known: KnownValues): fc.Arbitrary<HttpRequest> {
  return fc.oneof(...malformations(operation, known));
}

/** The same by kind. */
export function malformations(operation: Operation, known: KnownValues): Malformation[] {
  const valid = validRequests(operation, known);
  const bodies = operation.body === null ? null : validValues(operation.body, known);
  const withBody = (texts: fc.Arbitrary<string | Buffer>): fc.Arbitrary<HttpRequest> =>
    fc.tuple(valid, texts).map(([request, body]) => ({ ...request, headers: { ...json }, body }));
  const change = <T>(values: fc.Arbitrary<T>, apply: (value: T) => Partial<HttpRequest>): fc.Arbitrary<HttpRequest> =>
    fc.tuple(valid, values).map(([request, value]) => ({ ...request, ...apply(value) }));

  return [
    { weight: 1, arbitrary: change(fc.constantFrom(...methods), (method) => ({ method })) },
    { weight: 2, arbitrary: change(contentTypes, (type) => ({ headers: { 'content-type': type }, body: '{"a":1}' })) },
    { weight: 2, arbitrary: withBody(brokenDocuments(bodies)) },
    { weight: 2, arbitrary: withBody(hostileValues.map(writeJson)) },
    ...(bodies === null ? [] : [{ weight: 8, arbitrary: withBody(changedDocuments(bodies)) }]),
    { weight: 2, arbitrary: change(hostilePaths(operation), (path) => ({ path })) },
    { weight: 2, arbitrary: withQuery(valid, hostileQueries(operation.parameters)) },
    { weight: 1, arbitrary: change(hostileHeaders, (headers) => ({ headers: { ...json, ...headers } })) },
  ];
}

function validRequests({ method, path, parameters, body }: Operation, known: KnownValues): fc.Arbitrary<HttpRequest> {
  const inPath = parameters.filter((parameter) => parameter.in === 'path');
  const values = Object.fromEntries(inPath.map(({ name, schema }) => [name, validValues(schema, known, name)]));
  const bodies = body === null ? fc.constant(null) : validValues(body, known).map(writeJson);
  return fc.tuple(fc.record(values), bodies).map(([given, text]) => ({
    method,
    path: path.replaceAll(/\{(\w+)\}/g, (_, name: string) => percentEncode(String(given[name]))),
    headers: text === null ? {} : { ...json },
    body: text,
  }));
}

const contentTypes = fc.constantFrom(
  ...'text/plain application/xml multipart/form-data */* json application/x-www-form-urlencoded application/'.split(
    ' ',
  ),
  ...'application/json;;; APPLICATION/JSON __proto__ ; \xff/\xfe'.split(' '),
  '',
  'multipart/form-data; boundary=x',
  'application/json; charset=utf-16',
  'application/json; charset="',
  'application/json, text/plain',
);

function brokenDocuments(bodies: fc.Arbitrary<unknown> | null): fc.Arbitrary<string | Buffer> {
  const documents = (bodies ?? fc.constant({ a: [1, 'b'] })).map(writeJson);
  const place = fc.double({ min: 0, max: 1, noNaN: true });
  return fc.oneof(
    fc.constantFrom('', ' ', '{', '[', '"', 'nul', 'NaN', '-', '{"a":1,}', "{'a':1}", '{"a":1}{"b":2}', '/**/{}'),
    fc.constantFrom('\ufeff{}', '\0', '{"a":\0}', '{"a":01}', '{"\ud800":1}', '{"a":"\n"}', 'x'.repeat(70_000)),
    fc.constantFrom<Buffer>(Buffer.from([0xff, 0xfe, 0x7b]), Buffer.from('{"a":"\xff\xc0"}', 'latin1')),
    fc.tuple(documents, place).map(([text, at]) => text.slice(0, Math.floor(at * text.length))),
    fc
      .tuple(documents, place, fc.constantFrom('"', '}', ',', '\\', '\0', '\xff', ':', '[', '/*'))
      .map(([text, at, junk]) => {
        const position = Math.floor(at * text.length);
        return text.slice(0, position) + junk + text.slice(position);
      }),
  );
}

type Change = (value: unknown) => unknown;

/** Valid documents with one to three places changed: replaced, left out, wrapped, with text put in or a key added. */
function changedDocuments(bodies: fc.Arbitrary<unknown>): fc.Arbitrary<string> {
  const changes: fc.Arbitrary<Change> = fc.oneof(
    {
      weight: 6,
      arbitrary: hostileValues.map(
        (hostile): Change =>
          () =>
            hostile,
      ),
    },
    { weight: 2, arbitrary: fc.constant<Change>(() => undefined) },
    { weight: 1, arbitrary: fc.constant<Change>((value) => [value]) },
    {
      weight: 1,
      arbitrary: fc.constant<Change>((value) =>
        typeof value === 'string' ? [value, value] : writeJson(value ?? null),
      ),
    },
    {
      weight: 4,
      arbitrary: fc.tuple(hostileTexts, fc.nat(100)).map(
        ([text, at]): Change =>
          (value) =>
            typeof value === 'string' ? insertAt(value, at, text) : text,
      ),
    },
    {
      weight: 2,
      arbitrary: fc.tuple(hostileKeys, hostileValues).map(
        ([key, hostile]): Change =>
          (value) =>
            withKey(value, key, hostile),
      ),
    },
    {
      weight: 1,
      arbitrary: deepValues.map(
        (deep): Change =>
          (value) =>
            withKey(value, 'deep', deep),
      ),
    },
  );
  const places = fc.array(fc.tuple(fc.nat(1000), changes), { minLength: 1, maxLength: 3 });
  return fc.tuple(bodies, places).map(([document, list]) =>
    writeJson(
      list.reduce((changed: unknown, [place, change]) => {
        const paths = pathsOf(changed);
        return changeAt(changed, paths[place % paths.length] ?? [], change);
      }, document) ?? null,
    ),
  );
}

function insertAt(value: string, at: number, text: string): string {
  const position = at % (value.length + 1);
  return value.slice(0, position) + text + value.slice(position);
}

function withKey(value: unknown, key: string, hostile: unknown): unknown {
  // `fromEntries` makes `__proto__` a key like any other.
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return Object.fromEntries([[key, hostile]]);
  return Object.fromEntries([...Object.entries(value), [key, hostile]]);
}

function pathsOf(value: unknown): string[][] {
  if (typeof value !== 'object' || value === null) return [[]];
  return [[], ...Object.entries(value).flatMap(([key, child]) => pathsOf(child).map((path) => [key, ...path]))];
}

function changeAt(value: unknown, [key, ...rest]: readonly string[], change: Change): unknown {
  if (key === undefined) return change(value);
  if (Array.isArray(value))
    return value.map((item, index) => (String(index) === key ? changeAt(item, rest, change) : item));
  return Object.fromEntries(
    Object.entries(value as object).map(([name, child]) => [
      name,
      name === key ? changeAt(child, rest, change) : child,
    ]),
  );
}

const hostileSegments = fc.oneof(
  fc.constantFrom(
    ...'.. . %2e%2e%2f%2e%2e %00 a%00b %ff % %zz %E0%A4%A a%2Fb a/b a//b %F0%9F%98%80 %5c %u0041 %0d%0ax:1 %20'.split(
      ' ',
    ),
    ...`;a=1 * :id {id} ~ ' " # a+b \xff __proto__ constructor NaN null -1 0`.split(' '),
    'x'.repeat(300),
    'x'.repeat(600),
    'x'.repeat(8_000),
  ),
  hostileTexts.filter((text) => text.length < 1_000).map(percentEncode),
);

/** The path with a hostile value for each parameter, or with something appended where it has none. */
function hostilePaths({ path }: Operation): fc.Arbitrary<string> {
  return fc.tuple(hostileSegments, hostileSegments).map(([first, second]) => {
    if (!path.includes('{')) return `${path}${second.length % 2 === 0 ? '/' : ''}${first}`;
    const segments = [first, second];
    return path.replaceAll(/\{\w+\}/g, () => segments.shift() ?? '');
  });
}

function withQuery(valid: fc.Arbitrary<HttpRequest>, queries: fc.Arbitrary<string>): fc.Arbitrary<HttpRequest> {
  return fc.tuple(valid, queries).map(([request, query]) => ({ ...request, path: `${request.path}?${query}` }));
}

/** Declared and undeclared parameters with hostile values, repeated, as lists, cut off. */
function hostileQueries(parameters: readonly Parameter[]): fc.Arbitrary<string> {
  const declared = parameters.filter((parameter) => parameter.in === 'query').map((parameter) => parameter.name);
  const names = fc.constantFrom(...declared, ...declared, '__proto__', 'constructor', 'unknown', '', '%ff');
  const values = fc.oneof(
    hostileTexts.filter((text) => text.length < 1_000).map(percentEncode),
    fc.constantFrom('%', '%ff', '%zz', '1e9', '-1', '0', '1.5', 'x'.repeat(9_000), '[]', '\xff', 'true'),
  );
  const form = fc.constantFrom('=', '', '[]=', '[a]=', '==', '=&');
  return fc
    .tuple(fc.array(fc.tuple(names, form, values), { minLength: 1, maxLength: 3 }), fc.integer({ min: 1, max: 3 }))
    .map(([pairs, times]) =>
      Array.from({ length: times }, () => pairs.map((pair) => pair.join('')).join('&')).join('&'),
    );
}

const hostileHeaders: fc.Arbitrary<Record<string, string | string[]>> = fc.oneof(
  fc.constantFrom<Record<string, string | string[]>>(
    { accept: '\xff;q=nan' },
    { accept: 'application/x-nothing' },
    { 'accept-encoding': 'br;q=2, *;q=-1' },
    { authorization: 'Bearer ' },
    { authorization: 'Basic \xff\xfe' },
    { 'content-encoding': 'gzip' },
    { 'content-type': ['application/json', 'text/plain'] },
    { cookie: '='.repeat(4_000) },
    { host: '' },
    { host: '..:99999' },
    { 'if-none-match': '"' },
    { origin: 'null' },
    { range: 'bytes=-1' },
    { 'x-forwarded-for': ['1', '::ffff:', 'not an address'] },
    { 'x-api-key': '' },
    { 'x-long': 'x'.repeat(20_000) },
    Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`x-many-${index}`, String(index)])),
  ),
  fc
    .string({
      unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCodePoint(code === 0x7f ? 0x80 : code)),
    })
    .map((value) => ({ 'x-any': value.trim(), accept: value.trim() })),
);

/** Percent-encodes every byte of the text in UTF-8; a lone surrogate becomes what the encoder makes of it. */
function percentEncode(text: string): string {
  return [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
}
