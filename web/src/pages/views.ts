/** The views in the order of the navigation. */
export const views = [
  { name: 'overview', label: 'Overview' },
  { name: 'models', label: 'Models' },
  { name: 'decisions', label: 'Decisions' },
  { name: 'learning', label: 'Learning' },
  { name: 'races', label: 'Races' },
  { name: 'upgrades', label: 'Upgrades' },
  { name: 'instances', label: 'Instances' },
  { name: 'keys', label: 'Keys and budgets' },
  { name: 'audit', label: 'Audit log' },
  { name: 'playground', label: 'Playground' },
] as const;
