import fc from 'fast-check';
import { expect, test } from 'vitest';
import { rewriteBody } from './rewrite-body.ts';

const rewrite = (text: string, changes: Record<string, string | null>): string =>
  rewriteBody(Buffer.from(text), new Map(Object.entries(changes))).toString();

test.each([
  ['{"model":"auto","n":1}', { model: '"gpt"' }, '{"model":"gpt","n":1}'],
  [
    '{ "model" : "auto" , "seed": 12345678901234567890 }',
    { model: '"g"' },
    '{"model" : "g","seed": 12345678901234567890}',
  ],
  ['{"a":[1,{"model":"x"}],"model":"y"}', { model: '"z"' }, '{"a":[1,{"model":"x"}],"model":"z"}'],
  ['{"models":["a"],"model":"b"}', { models: null }, '{"model":"b"}'],
  ['{"only":1}', { only: null }, '{}'],
  ['{}', { added: 'true' }, '{"added":true}'],
  [String.raw`{"mod\u0065l":"a","b":"\\\"}"}`, { model: '"c"' }, String.raw`{"mod\u0065l":"c","b":"\\\"}"}`],
  ['{"model":"a","model":"b"}', { model: '"c"' }, '{"model":"c","model":"c"}'],
  ['\ufeff{"x":1.50e3}', { y: '2' }, '{"x":1.50e3,"y":2}'],
])('%s', (text, changes, expected) => {
  expect(rewrite(text, changes)).toBe(expected);
});

test('means what a change of the parsed object means', () => {
  const object = fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true });
  const changes = fc.dictionary(fc.string(), fc.option(fc.jsonValue()), { noNullPrototype: true });
  const indent = fc.constantFrom(undefined, 2, '\t');
  fc.assert(
    fc.property(object, changes, indent, (value, wanted, space) => {
      const texts = Object.entries(wanted).map(([name, change]): [string, string | null] => [
        name,
        change === null ? null : JSON.stringify(change),
      ]);
      const result = rewriteBody(Buffer.from(JSON.stringify(value, null, space)), new Map(texts));
      const expected = new Map(Object.entries(JSON.parse(JSON.stringify(value)) as Record<string, unknown>));
      for (const [name, text] of texts) {
        if (text === null) expected.delete(name);
        else expected.set(name, JSON.parse(text));
      }
      expect(new Map(Object.entries(JSON.parse(result.toString()) as object))).toEqual(expected);
    }),
    { numRuns: 1000 },
  );
});
