import { Ajv } from 'ajv';
import { RE2JS } from 're2js';
import type { Check } from '../../contracts/race-options.ts';
import { firstJson, lastNumber, normalise } from '../race/answer.ts';

/** Why an answer is not accepted, without a word of it; null where it is. */
type Judge = (text: string) => string | null;

/** Longest answer that is checked. */
const mostCharacters = 1_000_000;
const mostSchemaCharacters = 100_000;

/** What a check cannot be made of, with its place. */
export class UnusableCheck extends Error {
  readonly index: number;
  constructor(index: number, message: string) {
    super(message);
    this.name = 'UnusableCheck';
    this.index = index;
  }
}

/**
 * All checks together; an answer has to pass each. Patterns, those in schemas too, are run by RE2's algorithm, whose time
 * is linear in the text whatever the pattern; but a schema may refer to itself in ways that take for ever, so that this
 * belongs where it can be ended (`verifier.ts`).
 *
 * Throws an UnusableCheck for a schema or pattern that is none.
 */
export function createChecks(checks: readonly Check[]): Judge {
  const verifiers = checks.map((check, index) => {
    try {
      return verifierOf(check);
    } catch (error) {
      throw new UnusableCheck(index, error instanceof Error ? error.message : String(error));
    }
  });
  return (text) => {
    if (text.length > mostCharacters) return 'too long to be checked';
    for (const verify of verifiers) {
      const problem = verify(text);
      if (problem !== null) return problem;
    }
    return null;
  };
}

function verifierOf(check: Check): Judge {
  switch (check.type) {
    case 'json_schema':
      return bySchema(check.schema);
    case 'regex': {
      const pattern = RE2JS.compile(check.pattern, flagsOf(check.flags));
      return (text) => (pattern.matcher(text).find() ? null : 'does not match the pattern');
    }
    case 'contains':
    case 'not_contains':
    case 'equals':
      return byText(check.type, check.value, check.ignore_case);
    case 'length': {
      const { min = 0, max = Infinity } = check;
      return (text) => {
        const { length } = text.trim();
        return length >= min && length <= max ? null : 'not of the length asked for';
      };
    }
    case 'number': {
      const { min = -Infinity, max = Infinity } = check;
      return (text) => {
        const value = lastNumber(text);
        if (value === null) return 'holds no number';
        return value >= min && value <= max ? null : 'the number is out of range';
      };
    }
  }
}

function bySchema(schema: Record<string, unknown>): Judge {
  if (JSON.stringify(schema).length > mostSchemaCharacters) throw new Error('the schema is too long');
  // One instance for each schema: it remembers what it has compiled for as long as it lives.
  const validate = new Ajv({
    strict: false,
    validateFormats: false,
    logger: false,
    code: { regExp: linearRegExp },
  }).compile(schema);
  // It would answer with a promise, which is neither yes nor no.
  if ('$async' in validate) throw new Error('$async is not supported');
  return (text) => {
    const found = firstJson(text.trim());
    if (found === undefined) return 'holds no JSON';
    return validate(found.value) ? null : `is not as the schema says: ${placeOf(validate.errors)}`;
  };
}

/** The rule that was broken, without the value. */
function placeOf(errors: ReadonlyArray<{ keyword: string }> | null | undefined): string {
  return errors?.[0]?.keyword ?? 'invalid';
}

const linearRegExp = Object.assign(
  (pattern: string) => {
    const compiled = RE2JS.compile(pattern);
    return { test: (text: string) => compiled.matcher(text).find() };
  },
  { code: 'linearRegExp' },
);

function byText(type: 'contains' | 'not_contains' | 'equals', value: string, ignoreCase: boolean): Judge {
  const fold = (text: string): string => (ignoreCase ? normalise(text) : text.normalize('NFKC').trim());
  const wanted = fold(value);
  return (text) => {
    const folded = fold(text);
    switch (type) {
      case 'contains':
        return folded.includes(wanted) ? null : 'lacks a text that it has to contain';
      case 'not_contains':
        return folded.includes(wanted) ? 'contains a text that it must not' : null;
      case 'equals':
        return folded === wanted ? null : 'is not the text asked for';
    }
  };
}

function flagsOf(flags: string): number {
  return (
    (flags.includes('i') ? RE2JS.CASE_INSENSITIVE : 0) |
    (flags.includes('m') ? RE2JS.MULTILINE : 0) |
    (flags.includes('s') ? RE2JS.DOTALL : 0)
  );
}
