import fc from 'fast-check';

/**
 * JSON that no JavaScript value is written as: it takes the place of a text when the document is written. The mark around
 * its number occurs in no other text.
 */
const writtenJson = ['1e999', '-1e999', '123456789012345678901234567890', '-0', '1E+2', '"\\u0000"', '"\\ud83d"'];

/** Nesting that overflows the stack of whoever walks it by recursion. */
const nestings = [20, 600, 8_000].flatMap((depth) => [
  '['.repeat(depth) + ']'.repeat(depth),
  '{"a":'.repeat(depth) + '1' + '}'.repeat(depth),
]);

const rawDocuments = [...nestings, ...writtenJson];
const marked = (index: number): string => `\u2063raw ${index}\u2063`;

export const deepValues: fc.Arbitrary<string> = fc.nat(nestings.length - 1).map(marked);

/** Writes a document as JSON, with the raw parts that `hostileValues` put into it. */
export function writeJson(document: unknown): string {
  const text = JSON.stringify(document);
  return text.replaceAll(/"\u2063raw (\d+)\u2063"/g, (_, index: string) => rawDocuments[Number(index)] ?? 'null');
}

const words =
  `NaN Infinity -Infinity null undefined true 0x10 1e999 -1 __proto__ constructor hasOwnProperty toString %00 %s%n $1 * ** /
  // : ../../etc/passwd ..\\..\\windows \${jndi:ldap://x} <script>alert(1)</script> auto: auto:constructor openai/ /gpt
  openai/.. openai/unheard-of openai/模型 nobody/gpt naïve 模型 🤖 00000000-0000-0000-0000-000000000000
  2026-02-30T25:61:00Z`.split(/\s+/);
const spaced = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\ud800',
  'x\udc00y',
  '\u202e\ufeff',
  '\r\nx-injected: 1',
  "'; drop table models; --",
  'openai/a b',
  'openai/a\0b',
  'openai/\ud800',
  'openai/none\r\nx-injected: 1',
];
const long = [
  '9'.repeat(400),
  'x'.repeat(201),
  `openai/${'m'.repeat(193)}`,
  'x'.repeat(60_000),
  'a '.repeat(10_000),
  'select '.repeat(2_000),
  '1. '.repeat(5_000),
  '`'.repeat(15_000),
];

export const hostileTexts: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...words, ...spaced) },
  { weight: 1, arbitrary: fc.constantFrom(...long) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
);

const numbers = [0, -1, 1.5, 0.1, 1e308, -1e308, 5e-324, 2 ** 31, 2 ** 53, 2 ** 63, 2 ** 64];
const objects: unknown[] = [[], {}, [[]], [null], [{}], { length: 1 }, { toString: 'x' }, ['a', 1, null, {}]];
const manyObjects = Array.from({ length: 2_000 }, () => ({}));

/** Values of every kind that a field may not expect. */
export const hostileValues: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: hostileTexts },
  { weight: 2, arbitrary: fc.nat(rawDocuments.length - 1).map(marked) },
  {
    weight: 4,
    arbitrary: fc.constantFrom<unknown>(null, true, false, manyObjects, ...numbers, ...objects),
  },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  { weight: 1, arbitrary: fc.double() },
);

export const hostileKeys: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString', '', '0', '\0', '\ud800', 'k'.repeat(5_000)),
  fc.string({ maxLength: 10 }),
);
