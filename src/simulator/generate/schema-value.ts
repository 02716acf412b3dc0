import type { Random } from '../../statistics/random.ts';

/** A JSON Schema, as far as a request tells: an object with any keywords, or a boolean. */
export type JsonSchema = Record<string, unknown>;

/** Nesting beyond which only what is required is filled in. */
const maxDepth = 12;
/** Values of one answer; schemas that multiply, such as lists of lists of lists, get null for what is beyond. */
const maxValues = 10_000;

const formats: Record<string, string> = {
  date: '2026-03-14',
  time: '09:30:00Z',
  'date-time': '2026-03-14T09:30:00Z',
  duration: 'PT1H',
  email: 'ada@example.com',
  uri: 'https://example.com/',
  url: 'https://example.com/',
  uuid: '6f9619ff-8b86-4d01-b42d-00cf4fc964ff',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  hostname: 'example.com',
};

/** Names of properties that hold the answer itself. */
const answerName = /answer|result|response|summary|text|content|message|output|value/i;

export interface SchemaHints {
  /** What a string that holds the answer is filled with. */
  answer?: string;
  /** Words of the prompt that look like names, such as places. */
  properNames: readonly string[];
  /** All words of the prompt in lower case. */
  words: ReadonlySet<string>;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** The part that a local reference such as `#/$defs/address` points to; an empty schema if there is none. */
function resolveReference(root: JsonSchema, reference: string): JsonSchema {
  let part: unknown = root;
  for (const step of reference.replace(/^#\/?/, '').split('/')) {
    if (step === '') continue;
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~');
    part = isObject(part) || Array.isArray(part) ? (part as Record<string, unknown>)[key] : undefined;
  }
  return isObject(part) ? part : {};
}

function mergeAll(schemas: readonly unknown[], rest: JsonSchema): JsonSchema {
  const { allOf: _, ...merged } = rest;
  for (const schema of schemas) {
    if (!isObject(schema)) continue;
    const required = [...asArray(merged.required), ...asArray(schema.required)];
    const properties = { ...(isObject(merged.properties) && merged.properties), ...(schema.properties as object) };
    Object.assign(merged, schema, { required, properties });
  }
  return merged;
}

function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function typeOf(schema: JsonSchema): string {
  const types = (Array.isArray(schema.type) ? schema.type : [schema.type]).filter((type) => typeof type === 'string');
  const type = types.find((name) => name !== 'null') ?? types[0];
  if (type !== undefined) return type;
  if ('properties' in schema || 'required' in schema) return 'object';
  if ('items' in schema || 'prefixItems' in schema) return 'array';
  if ('minimum' in schema || 'maximum' in schema) return 'number';
  return 'string';
}

/**
 * A plausible value that satisfies the schema's types, enums, required properties, bounds of numbers, lengths and
 * items, formats, local references and combinations. `pattern`, `not` and conditions are not solved.
 */
export function valueForSchema(schema: JsonSchema, hints: SchemaHints, random: Random): unknown {
  let values = 0;
  return fill(schema, '', 0);

  function fill(part: unknown, name: string, depth: number): unknown {
    values += 1;
    if (values > maxValues) return null;
    if (!isObject(part)) return part === false ? null : sentence(name);
    if ('const' in part) return part.const;
    if (Array.isArray(part.enum) && part.enum.length > 0) return mentionedEnum(part.enum) ?? random.pick(part.enum);
    if (depth > maxDepth * 4) return null;
    if (typeof part.$ref === 'string') return fill(resolveReference(schema, part.$ref), name, depth + 1);
    if (Array.isArray(part.allOf)) {
      const parts = part.allOf.map((each: unknown) =>
        isObject(each) && typeof each.$ref === 'string' ? resolveReference(schema, each.$ref) : each,
      );
      return fill(mergeAll(parts, part), name, depth + 1);
    }
    const alternatives = [...asArray(part.anyOf), ...asArray(part.oneOf)].filter(isObject);
    const alternative = alternatives.find((each) => each.type !== 'null') ?? alternatives[0];
    if (alternative !== undefined) {
      const { anyOf: _anyOf, oneOf: _oneOf, ...rest } = part;
      return fill({ ...rest, ...alternative }, name, depth + 1);
    }
    switch (typeOf(part)) {
      case 'object':
        return object(part, depth);
      case 'array':
        return array(part, name, depth);
      case 'integer':
      case 'number':
        return number(part, typeOf(part) === 'integer');
      case 'boolean':
        return true;
      case 'null':
        return null;
      default:
        return string(part, name);
    }
  }

  /** The choice that the prompt names, such as `celsius`. */
  function mentionedEnum(choices: readonly unknown[]): unknown {
    return choices.find((choice) => typeof choice === 'string' && hints.words.has(choice.toLowerCase()));
  }

  function object(part: JsonSchema, depth: number): Record<string, unknown> {
    const properties = isObject(part.properties) ? part.properties : {};
    const required = asArray(part.required).filter((key) => typeof key === 'string');
    const keys = required.length > 0 || depth > maxDepth ? required : Object.keys(properties);
    return Object.fromEntries(keys.map((key) => [key, fill(properties[key] ?? {}, key, depth + 1)]));
  }

  function array(part: JsonSchema, name: string, depth: number): unknown[] {
    const prefix = asArray(part.prefixItems);
    const least = numberOf(part.minItems) ?? 0;
    const most = numberOf(part.maxItems) ?? 100;
    const length = Math.min(depth > maxDepth ? least : Math.max(least, 1, prefix.length), most, 100);
    return Array.from({ length }, (_, index) => fill(prefix[index] ?? part.items ?? {}, name, depth + 1));
  }

  function number(part: JsonSchema, whole: boolean): number {
    const step = numberOf(part.multipleOf) ?? (whole ? 1 : 0.1);
    const above = numberOf(part.exclusiveMinimum);
    const below = numberOf(part.exclusiveMaximum);
    const least = numberOf(part.minimum) ?? (above === undefined ? undefined : above + step);
    const most = numberOf(part.maximum) ?? (below === undefined ? undefined : below - step);
    const low = least ?? Math.min(1, most ?? 1);
    const high = Math.max(low, Math.min(most ?? low + 9, low + 99));
    const drawn = low + random.next() * (high - low);
    const stepped = Number((Math.round(drawn / step) * step).toPrecision(12));
    if (stepped >= low && stepped <= high) return stepped;
    return whole ? Math.ceil(low / step) * step : low;
  }

  function string(part: JsonSchema, name: string): string {
    const format = typeof part.format === 'string' ? formats[part.format] : undefined;
    const least = numberOf(part.minLength) ?? 0;
    const most = numberOf(part.maxLength) ?? 100_000;
    return (format ?? sentence(name)).padEnd(Math.min(least, 100_000), '.').slice(0, most);
  }

  function sentence(name: string): string {
    if (hints.answer !== undefined && (name === '' || answerName.test(name))) return hints.answer;
    const [mentioned] = hints.properNames;
    if (/city|location|place|country|name|subject|topic|query/i.test(name) && mentioned !== undefined) return mentioned;
    if (/city|location|place/i.test(name)) return 'Paris';
    return name === '' ? 'example' : `example ${name.replaceAll('_', ' ')}`;
  }
}
