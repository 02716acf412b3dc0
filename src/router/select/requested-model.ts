import { isAutoModel } from '../../contracts/auto-model.ts';
import { type Prefer, preferSchema } from '../../contracts/decision.ts';
import { type Complexity, complexitySchema } from '../../contracts/query-class.ts';

/** What the `model` of a request asks for. */
export type RequestedModel =
  | { kind: 'auto'; complexity: Complexity | null; prefer: Prefer | null }
  | { kind: 'pinned'; name: string }
  /** `auto:` with a word that means nothing here. */
  | { kind: 'unknown_variant'; variant: string };

/** The variants of `auto`, as they are written after the colon. */
export const autoVariants: readonly string[] = [...complexitySchema.options, ...preferSchema.options];

export function parseRequestedModel(name: string): RequestedModel {
  const [, variant, ...more] = name.split(':');
  if (!isAutoModel(name)) return { kind: 'pinned', name };
  if (variant === undefined) return { kind: 'auto', complexity: null, prefer: null };
  const complexity = complexitySchema.safeParse(variant);
  if (complexity.success && more.length === 0) return { kind: 'auto', complexity: complexity.data, prefer: null };
  const prefer = preferSchema.safeParse(variant);
  if (prefer.success && more.length === 0) return { kind: 'auto', complexity: null, prefer: prefer.data };
  return { kind: 'unknown_variant', variant: [variant, ...more].join(':') };
}
