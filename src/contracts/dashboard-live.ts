import { z } from 'zod';

/** What may have changed, so that who shows it reads it again. */
export const changeTopicSchema = z.enum([
  'scores',
  'incidents',
  'rollouts',
  'models',
  'predictors',
  'instances',
  'keys',
]);
export type ChangeTopic = z.infer<typeof changeTopicSchema>;

/** Data of the event `overview` of `GET /live`, sent every two seconds; rates are those of this minute and the one before. */
export const liveOverviewSchema = z.object({
  at: z.iso.datetime(),
  requests_per_second: z.number(),
  success_rate: z.number().min(0).max(1).nullable(),
  cost_usd_per_hour: z.number(),
  newest_decision_at: z.iso.datetime().nullable(),
  newest_event_at: z.iso.datetime().nullable().describe('When the newest event was counted.'),
  waiting_events: z.int(),
  open_incidents: z.int(),
});
export type LiveOverview = z.infer<typeof liveOverviewSchema>;

/** Data of the event `changed` of `GET /live`. */
export const liveChangedSchema = z.object({ topics: z.array(changeTopicSchema).min(1) });
export type LiveChanged = z.infer<typeof liveChangedSchema>;
