import { z } from 'zod';
import { complexitySchema } from '../contracts/index.ts';

const rate = z.number().min(0).max(1);
const milliseconds = z.number().min(0).max(600_000);
const seconds = z.number().min(0).max(31_536_000);

/** A log-normal distribution. */
const spreadSchema = z
  .strictObject({ median: z.number().positive().max(600_000), p95: z.number().positive().max(600_000) })
  .refine((spread) => spread.p95 >= spread.median, 'p95 must not lie below the median');

const qualitySchema = z.strictObject({ simple: rate, medium: rate, complex: rate });

/** What changes while `after_s <= t < until_s`, in seconds since the simulator started; later entries win. */
const changeSchema = z
  .strictObject({
    after_s: seconds,
    until_s: seconds.optional(),
    set: z.strictObject({
      error_rate: rate.optional(),
      quality: z.union([rate, z.partialRecord(complexitySchema, rate)]).optional(),
      ttft_median_ms: milliseconds.positive().optional(),
      outage: z.literal(true).optional(),
    }),
  })
  .refine(
    (change) => change.until_s === undefined || change.until_s > change.after_s,
    'until_s must lie after after_s',
  );

/** How one simulated model behaves. */
export const profileSchema = z.strictObject({
  id: z.string().min(1).max(200),
  display_name: z.string().min(1).max(200).optional(),
  dialects: z.array(z.enum(['openai', 'anthropic', 'ollama'])).min(1),
  kind: z.enum(['chat', 'embedding']),
  /** Time to the first token. */
  ttft_ms: spreadSchema,
  time_per_output_token_ms: z.number().min(0).max(10_000),
  /** Share of requests that fail with an error of the server. */
  error_rate: rate,
  /** Probability of a right answer to a prompt whose answer is known. */
  quality: qualitySchema,
  context_window: z.int().min(1).max(100_000_000),
  max_output_tokens: z.int().min(1).max(10_000_000),
  /** Length of an answer to a prompt that is not known. */
  output_tokens: spreadSchema,
  vision: z.boolean(),
  tools: z.boolean(),
  embedding_dimensions: z.int().min(1).max(16_384),
  schedule: z.array(changeSchema).max(100),
});
export type ModelProfile = z.infer<typeof profileSchema>;
export type Dialect = ModelProfile['dialects'][number];

/** An unremarkable model of the OpenAI dialect. */
export function baseProfile(id: string): ModelProfile {
  return {
    id,
    dialects: ['openai'],
    kind: 'chat',
    ttft_ms: { median: 150, p95: 400 },
    time_per_output_token_ms: 5,
    error_rate: 0,
    quality: { simple: 0.95, medium: 0.8, complex: 0.6 },
    context_window: 128_000,
    max_output_tokens: 16_384,
    output_tokens: { median: 80, p95: 240 },
    vision: true,
    tools: true,
    embedding_dimensions: 1536,
    schedule: [],
  };
}

/** The profiles as they are at `elapsedMs` after the start, with what the schedule has changed by then. */
export function profileAt(profile: ModelProfile, elapsedMs: number): ModelProfile & { outage: boolean } {
  let current: ModelProfile & { outage: boolean } = { ...profile, outage: false };
  for (const { after_s, until_s = Infinity, set } of profile.schedule) {
    if (elapsedMs < after_s * 1000 || elapsedMs >= until_s * 1000) continue;
    if (set.error_rate !== undefined) current = { ...current, error_rate: set.error_rate };
    if (set.outage === true) current = { ...current, outage: true };
    if (typeof set.quality === 'number') {
      current = { ...current, quality: { simple: set.quality, medium: set.quality, complex: set.quality } };
    } else if (set.quality !== undefined) {
      current = { ...current, quality: { ...current.quality, ...set.quality } };
    }
    if (set.ttft_median_ms !== undefined) {
      const factor = set.ttft_median_ms / current.ttft_ms.median;
      current = { ...current, ttft_ms: { median: set.ttft_median_ms, p95: current.ttft_ms.p95 * factor } };
    }
  }
  return current;
}
