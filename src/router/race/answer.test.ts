import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Answer, canonicalJson, extractAnswer, type Extraction, isSameAnswer, normalise } from './answer.ts';

const text: Extraction = { kind: 'text', similarity: 0.7 };
const same = (a: string, b: string, extraction: Extraction = text): boolean | null => {
  const [first, second] = [extractAnswer(a, extraction), extractAnswer(b, extraction)];
  return first === null || second === null ? null : isSameAnswer(first, second, extraction);
};

describe('texts', () => {
  it.each([
    ['Paris', ' paris. ', true],
    ['ﬁne', 'fine', true],
    ['**Paris**', 'Paris!', true],
    ['Paris', 'London', false],
    ['The capital of France is Paris', 'The capital of France is Paris, indeed', true],
    ['a b c d e f g h', 'h g f e d c b a', false],
  ])('%j and %j: %s', (a, b, expected) => {
    expect(same(a, b)).toBe(expected);
  });

  it('are never cut: what differs at the end differs', () => {
    const long = 'word '.repeat(100);
    expect(normalise(`${long}yes`)).not.toBe(normalise(`${long}no`));
  });
});

describe('what gives no vote', () => {
  it.each([
    '',
    '   ',
    'I’m sorry, but I can’t help with that.',
    'I cannot answer this.',
    'As an AI, I have no opinion.',
  ])('%j', (given) => {
    expect(extractAnswer(given, text)).toBeNull();
  });

  it('is not an answer that quotes a refusal', () => {
    expect(extractAnswer('The model said "I cannot answer this".', text)).not.toBeNull();
  });
});

describe('numbers', () => {
  const number: Extraction = { kind: 'number', tolerance: 0.01 };
  it.each([
    ['The answer is 42.', 42],
    ['First 3, then −1,234.5', -1234.5],
    ['6.02e23', 6.02e23],
    ['no number', null],
  ])('%j', (given, value) => {
    expect(extractAnswer(given, number)).toEqual(value === null ? null : { kind: 'number', value });
  });

  it('are the same within the tolerance', () => {
    expect(same('100', '100.9', number)).toBe(true);
    expect(same('100', '102', number)).toBe(false);
    expect(same('0', '0', number)).toBe(true);
  });
});

describe('choices', () => {
  const choice: Extraction = { kind: 'choice', choices: ['A', 'B', 'not A'] };
  it.each([
    ['I think B is right, so: (a)', 'A'],
    ['It is not A.', 'not A'],
    ['Banana', null],
  ])('%j', (given, expected) => {
    expect(extractAnswer(given, choice)).toEqual(expected === null ? null : { kind: 'exact', key: expected });
  });
});

describe('JSON', () => {
  const json: Extraction = { kind: 'json', path: [] };
  it('is the same in whatever order its members stand, fenced or not', () => {
    expect(same('{"a":1,"b":{"d":[1,2],"c":"X"}}', 'Here: ```json\n{"b":{"c":" x","d":[1,2]},"a":1}\n```', json)).toBe(
      true,
    );
    expect(same('{"a":[1,2]}', '{"a":[2,1]}', json)).toBe(false);
    expect(same('{"a":1}', 'not JSON', json)).toBeNull();
  });

  it('can be compared by one field', () => {
    const field: Extraction = { kind: 'json', path: ['result', 'total'] };
    expect(same('{"result":{"total":3},"note":"x"}', '{"result":{"total":3},"note":"y"}', field)).toBe(true);
    expect(extractAnswer('{"result":{}}', field)).toBeNull();
    expect(extractAnswer('{"result":{"total":null}}', field)).toEqual({ kind: 'exact', key: 'null' });
  });

  it('has one canonical form', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(canonicalJson(JSON.parse(JSON.stringify(value)))).toBe(canonicalJson(value));
      }),
    );
  });
});

it('the same text is the same answer, whatever is looked for, and who is compared first does not matter', () => {
  const extraction = fc.constantFrom<Extraction>(
    text,
    { kind: 'number', tolerance: 0.05 },
    { kind: 'choice', choices: ['a', 'b'] },
    { kind: 'json', path: [] },
  );
  fc.assert(
    fc.property(fc.string(), fc.string(), extraction, (a, b, looked) => {
      const [first, second] = [extractAnswer(a, looked), extractAnswer(b, looked)] as [Answer | null, Answer | null];
      fc.pre(first !== null && second !== null);
      expect(isSameAnswer(first, first, looked)).toBe(true);
      expect(isSameAnswer(first, second, looked)).toBe(isSameAnswer(second, first, looked));
    }),
  );
});
