import { z } from 'zod';
import { mostLanes } from './race.ts';

/** What of an answer is compared with the others; the name alone stands for its defaults. */
export const extractSchema = z.union([
  z.enum(['text', 'number', 'json']),
  z.discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('text'),
      similarity: z.number().min(0.1).max(1).default(0.8).describe('Share of common word pairs of answers that agree.'),
    }),
    z.strictObject({
      type: z.literal('number'),
      tolerance: z.number().min(0).max(1).default(1e-6).describe('As a share of the greater of two numbers.'),
    }),
    z.strictObject({ type: z.literal('choice'), choices: z.array(z.string().min(1).max(200)).min(2).max(64) }),
    z.strictObject({
      type: z.literal('json'),
      path: z.array(z.string().min(1).max(200)).max(16).default([]).describe('Keys that lead to what is compared.'),
    }),
  ]),
]);
export type Extract = z.infer<typeof extractSchema>;

/** A check that an answer has to pass. */
const checkSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('json_schema'),
    schema: z.record(z.string(), z.unknown()).describe('JSON Schema (draft 7) of the JSON value in the answer.'),
  }),
  z.strictObject({
    type: z.literal('regex'),
    pattern: z.string().min(1).max(1000).describe('RE2 syntax: no backreferences, no lookaround, never slow.'),
    flags: z
      .string()
      .regex(/^[ims]{0,3}$/, 'must be made of i, m and s')
      .default(''),
  }),
  z.strictObject({
    type: z.enum(['contains', 'not_contains', 'equals']),
    value: z.string().min(1).max(10_000),
    ignore_case: z.boolean().default(true),
  }),
  z.strictObject({
    type: z.literal('length'),
    min: z.int().min(0).optional(),
    max: z.int().min(0).optional(),
  }),
  z.strictObject({
    type: z.literal('number'),
    min: z.number().optional(),
    max: z.number().optional(),
  }),
]);
export type Check = z.infer<typeof checkSchema>;

export const verifierSchema = z.union([checkSchema, z.array(checkSchema).min(1).max(16)]);

/** A model that compares the answers; never one of the lanes. `true`: the best one that is none. */
export const judgeSchema = z.union([
  z.boolean(),
  z.string().min(1).max(200),
  z.strictObject({
    model: z.string().min(1).max(200).optional(),
    criteria: z.string().min(1).max(2000).optional().describe('What makes an answer good, in words.'),
  }),
]);

/** How a race is run; the same under `race` in a chat completion and at the top of `POST /race`. */
export const raceOptionsSchema = z.strictObject({
  n: z.int().min(2).max(mostLanes).optional().describe('Lanes; models are repeated where there are fewer of them.'),
  timeout_ms: z.int().min(1).max(3_600_000).optional(),
  extract: extractSchema.optional().describe('For consensus; the whole text unless said otherwise.'),
  verifier: verifierSchema.optional(),
  judge: judgeSchema.optional().describe('For best.'),
  min_agreement: z.number().min(0).max(1).optional().describe('Least share of the weight of all valid answers.'),
  staged: z.boolean().optional().describe('False: all lanes at once; else a majority first, more where it disagrees.'),
  allow_tools: z.boolean().optional().describe('True: providers may run tools of their own in every lane.'),
});
export type RaceOptions = z.infer<typeof raceOptionsSchema>;
