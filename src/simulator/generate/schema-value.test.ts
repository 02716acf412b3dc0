import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createRandom } from '../../statistics/random.ts';
import { valueForSchema } from './schema-value.ts';

const hints = { properNames: ['Oslo'], words: new Set(['oslo', 'fahrenheit']) };
const fill = (schema: Record<string, unknown>, seed = 1) => valueForSchema(schema, hints, createRandom(seed));

describe('valueForSchema', () => {
  const schemas = {
    nested: z.strictObject({
      city: z.string().min(2).max(20),
      days: z.int().min(1).max(5),
      ratio: z.number().min(0.25).max(0.75),
      even: z.int().multipleOf(2).min(3).max(9),
      negative: z.number().max(-4),
      unit: z.enum(['celsius', 'fahrenheit']),
      when: z.iso.date(),
      mail: z.email(),
      fixed: z.literal('always'),
      flag: z.boolean(),
      tags: z.array(z.string()).min(3).max(4),
      pair: z.tuple([z.string(), z.int()]),
      maybe: z.string().nullable(),
      either: z.union([z.object({ a: z.string() }), z.object({ b: z.int() })]),
      both: z.intersection(z.object({ left: z.string() }), z.object({ right: z.int() })),
      long: z.string().min(200),
      short: z.string().max(3),
      optional: z.string().optional(),
    }),
    list: z.array(z.object({ id: z.uuid(), at: z.iso.datetime() })).length(2),
  };

  it.each(Object.entries(schemas))('satisfies a %s schema', (_, schema) => {
    for (let seed = 0; seed < 25; seed += 1) {
      const value = fill(z.toJSONSchema(schema), seed);
      expect(schema.safeParse(value).error?.issues ?? []).toEqual([]);
    }
  });

  it('follows references, also into itself', () => {
    const node = {
      type: 'object',
      properties: { name: { type: 'string' }, children: { type: 'array', items: { $ref: '#/$defs/node' } } },
      required: ['name', 'children'],
    };
    const value = fill({ $ref: '#/$defs/node', $defs: { node } });
    expect(value).toMatchObject({ name: 'Oslo', children: [{ name: 'Oslo' }] });
    expect(() => fill({ $ref: '#' })).not.toThrow();
  });

  it('fills anything, however wrong or large, with bounded JSON', () => {
    const keywords = [
      'type',
      'properties',
      'required',
      'items',
      'anyOf',
      'allOf',
      'enum',
      '$ref',
      'minItems',
      'minimum',
    ];
    const schema = fc.letrec<{ part: unknown }>((tie) => ({
      part: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom<unknown>('object', 'array', 'string', '#', -1, 1e12, null, true),
        fc.dictionary(fc.constantFrom(...keywords), tie('part')),
        fc.array(tie('part'), { maxLength: 3 }),
      ),
    })).part;
    fc.assert(fc.property(schema, (part) => JSON.stringify(fill({ allOf: [part], items: part })).length < 1e7));
    const twice = { type: 'object', properties: { a: { $ref: '#' }, b: { $ref: '#' } }, required: ['a', 'b'] };
    expect(JSON.stringify(fill(twice)).length).toBeLessThan(1e6);
  });

  it('takes what the prompt says', () => {
    const properties = { location: { type: 'string' }, unit: { enum: ['celsius', 'fahrenheit'] } };
    expect(fill({ type: 'object', properties })).toEqual({ location: 'Oslo', unit: 'fahrenheit' });
  });
});
