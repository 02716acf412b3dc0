import type { Author } from '../../../../src/contracts/audit.ts';
import type { Option } from '../../components/select.tsx';

/** Who acted, by how that was known. */
export const credentialWords: Record<Author['credential'], string> = {
  master: 'master key',
  read: 'read-only key',
  key: 'key',
  none: 'anybody here',
  upgrade: 'Signalbox itself',
  file: 'configuration file',
  database: 'database',
};

/** What is before the dot of an action. */
export const actionGroups: readonly Option[] = [
  ['key', 'Keys'],
  ['team', 'Teams'],
  ['model', 'Models'],
  ['scores', 'Scores'],
  ['upgrade', 'Upgrades'],
  ['refiners', 'Refiners'],
  ['incident', 'Incidents'],
  ['dead_letters', 'Dead letters'],
  ['config', 'Configuration'],
  ['purge', 'Purges'],
];
