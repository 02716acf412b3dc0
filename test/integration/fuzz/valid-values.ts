import fc from 'fast-check';
import type { KnownValues } from './known-values.ts';
import type { Schema } from './operations.ts';

/** Values that a schema allows, small ones; a field that has known values takes one of these. */
export function validValues(schema: Schema, known: KnownValues, name = ''): fc.Arbitrary<unknown> {
  const values = nonNullValues(schema, known, name);
  return schema.nullable === true ? fc.option(values, { freq: 4 }) : values;
}

function nonNullValues(schema: Schema, known: KnownValues, name: string): fc.Arbitrary<unknown> {
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map((option) => validValues(option, known)));
  switch (schema.type) {
    case 'string':
      return strings(schema, known[name] ?? []);
    case 'integer':
      return fc.integer({ min: Math.max(schema.minimum ?? 0, -1000), max: Math.min(schema.maximum ?? 1000, 1000) });
    case 'number':
      // The lower bound may be excluded.
      return fc.double({
        min: schema.minimum ?? 0,
        minExcluded: true,
        max: Math.min(schema.maximum ?? 1000, 1000),
        noNaN: true,
      });
    case 'boolean':
      return fc.boolean();
    case 'array':
      return fc.array(validValues(schema.items ?? {}, known), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? 3, 3),
      });
    case 'object':
      return fc.record(
        Object.fromEntries(
          Object.entries(schema.properties ?? {}).map(([key, property]) => [key, validValues(property, known, key)]),
        ),
        { requiredKeys: [...(schema.required ?? [])], noNullPrototype: true },
      );
    case undefined:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

function strings(schema: Schema, known: readonly string[]): fc.Arbitrary<string> {
  const minLength = schema.minLength ?? 0;
  const maxLength = Math.min(schema.maxLength ?? 24, 24);
  if (known.length > 0) return fc.constantFrom(...known);
  if (schema.format === 'uuid') return fc.uuid();
  if (schema.pattern !== undefined) return fc.stringMatching(new RegExp(schema.pattern), { maxLength });
  return fc.string({ minLength, maxLength });
}
