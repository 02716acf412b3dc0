import { z } from 'zod';

/** NOTIFY channel that tells routers that what a rollout sends where has changed. */
export const rolloutsChannel = 'signalbox_rollouts';
/** NOTIFY channel that tells the upgrade service that there are observations of rollouts. */
export const observationsChannel = 'signalbox_rollout_observations';

/**
 * Where a rollout is: `proposed` waits for approval, `shadow` copies requests to the candidate, `canary` lets it answer a
 * share of them, `promoted` all; `rolled_back`, `dismissed` and `withdrawn`, by an operator or because what it would have
 * replaced is in use no more, none.
 */
export const rolloutStateSchema = z.enum([
  'proposed',
  'shadow',
  'canary',
  'promoted',
  'rolled_back',
  'dismissed',
  'withdrawn',
]);
export type RolloutState = z.infer<typeof rolloutStateSchema>;

/** Who answered: the model that is tried, the one it would replace, or a copy for comparison that nobody sees. */
export const rolloutArmSchema = z.enum(['canary', 'control', 'shadow']);
export type RolloutArm = z.infer<typeof rolloutArmSchema>;

/** On which side of a pair something was so. */
export const pairSideSchema = z.enum(['neither', 'control', 'shadow', 'both']);
export type PairSide = z.infer<typeof pairSideSchema>;

/** What a copy showed beside the answer that its user got. Nothing of either is in here. */
export const shadowPairSchema = z.object({
  /** Which of the two failed, refused the request, or was ended by a content filter. */
  error: pairSideSchema,
  /** Which of two answers was not valid: by the schema that the request gave, or in the arguments of its tool calls. */
  invalid: pairSideSchema,
  /** What the times are: to the first token of a stream, or of a whole answer. Unknown where an older router does not say. */
  streamed: z.boolean().optional(),
  control_ms: z.number().min(0).max(86_400_000).nullish(),
  shadow_ms: z.number().min(0).max(86_400_000).nullish(),
  control_cost_usd: z.number().min(0).max(1_000_000).nullish(),
  shadow_cost_usd: z.number().min(0).max(1_000_000).nullish(),
  /** What a judge, who does not know which is which, gives each, in [0, 1]; null where none was asked. */
  scores: z.object({ control: z.number().min(0).max(1), shadow: z.number().min(0).max(1) }).nullish(),
});
export type ShadowPair = z.infer<typeof shadowPairSchema>;

/** Of which rollout a decision is part; on every event of it. */
export const rolloutLabelSchema = z.object({
  rollout_id: z.uuid(),
  arm: rolloutArmSchema,
  /** Share of the canary in the traffic of both arms at that time, in (0, 1]; of a copy, the share that is copied. */
  share: z.number().min(0).max(1),
  /** The conversation, hashed with the rollout, so that nothing else can be told by it. */
  unit: z.string().min(1).max(64).optional(),
  /** On the last event of a copy alone. */
  pair: shadowPairSchema.optional(),
});
export type RolloutLabel = z.infer<typeof rolloutLabelSchema>;
