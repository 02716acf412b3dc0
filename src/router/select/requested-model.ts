import { type Prefer, preferSchema } from '../../contracts/decision.ts';
import { type Complexity, complexitySchema } from '../../contracts/query-class.ts';

/** What the `model` of a request asks for. */
export type RequestedModel =
  | { kind: 'auto'; complexity: Complexity | null; prefer: Prefer | null }
  | { kind: 'pinned'; name: string }
  /** `auto:` with a word that means nothing here. */
  | { kind: 'unknown_variant'; variant: string };

const autoNames: ReadonlySet<string> = new Set(['auto', 'signalbox/auto', 'openrouter/auto']);

/** The variants of `auto`, as they are written after the colon. */
export const autoVariants: readonly string[] = [...complexitySchema.options, ...preferSchema.options];

export function parseRequestedModel(name: string): RequestedModel {
  const [base = '', variant, ...more] = name.split(':');
  if (!autoNames.has(base)) return { kind: 'pinned', name };
  if (variant === undefined) return { kind: 'auto', complexity: null, prefer: null };
  const complexity = complexitySchema.safeParse(variant);
  if (complexity.success && more.length === 0) return { kind: 'auto', complexity: complexity.data, prefer: null };
  const prefer = preferSchema.safeParse(variant);
  if (prefer.success && more.length === 0) return { kind: 'auto', complexity: null, prefer: prefer.data };
  return { kind: 'unknown_variant', variant: [variant, ...more].join(':') };
}
