/** Why a request is not copied, or its copy not compared, by what is looked at first; docs/upgrades.md says it in words. */
export const skipReasons = [
  'surface',
  'no_consent',
  'not_eligible',
  'not_drawn',
  'tools',
  'choices',
  'no_control',
  'stopping',
  'trial_ended',
  'too_large',
  'busy',
  'not_offered',
  'price_unknown',
  'budget',
  'budget_unknown',
  'no_copy',
] as const;
export type Skipped = (typeof skipReasons)[number];
