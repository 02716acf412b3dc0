import { z } from 'zod';

const change = z.object({ from: z.number().nullable(), to: z.number().nullable() });

/**
 * What a rollout would change, as it is kept in `rollouts.proposal`. Prices in USD per 1,000 tokens, sizes in tokens. Fields
 * of a later version are kept.
 */
export const proposalSchema = z.looseObject({
  /** Newer of the same family, nearest in price, or named by an operator. */
  relation: z.enum(['family', 'price', 'operator']).default('operator'),
  /** Whether the mode `auto` may try it without anybody's word. */
  automatic: z.boolean().default(false),
  /** Only what differs. */
  changes: z
    .looseObject({
      input_tokens_per_1k: change.optional(),
      output_tokens_per_1k: change.optional(),
      context_window: change.optional(),
      max_output_tokens: change.optional(),
    })
    .prefault({}),
  capabilities_gained: z.array(z.string()).default([]),
  capabilities_lost: z.array(z.string()).default([]),
  /** All of it in words. */
  summary: z.string().default(''),
  /** Of the control, before the promotion. */
  control_was_pinned: z.boolean().optional(),
});
export type Proposal = z.infer<typeof proposalSchema>;
