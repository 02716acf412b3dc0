import { z } from 'zod';

/** What a request is about; `multimedia` means that it carries images, audio or video. */
export const queryTypeSchema = z.enum(['simple', 'technical', 'research', 'multimedia']);
export type QueryType = z.infer<typeof queryTypeSchema>;

/** How hard a request is. Scores are learned per (model, complexity). */
export const complexitySchema = z.enum(['simple', 'medium', 'complex']);
export type Complexity = z.infer<typeof complexitySchema>;
export const complexities = complexitySchema.options;

/** One number per complexity. */
export type PerComplexity<T> = Record<Complexity, T>;

/** The class of one request. Confidences are probabilities in [0, 1]. */
export const classificationSchema = z.object({
  query_type: queryTypeSchema,
  query_type_confidence: z.number().min(0).max(1),
  complexity: complexitySchema,
  complexity_confidence: z.number().min(0).max(1),
});
export type Classification = z.infer<typeof classificationSchema>;
