import type { ServiceName } from '../../contracts/api.ts';
import type { Author } from '../../contracts/audit.ts';
import type { AuditRecord } from '../store/audit-log.ts';
import { changesBetween } from './change.ts';
import type { ConfigState } from './live.ts';

const byFile: Author = { credential: 'file', key_id: null, key_name: null, told_name: null, address: null };

/**
 * What the audit log tells of a new configuration file: the settings that changed, secrets replaced, or that it was
 * refused. Null where there is nothing to tell. Pure.
 */
export function reloadRecord(
  service: ServiceName,
  instanceId: string,
  before: ConfigState,
  after: ConfigState,
): AuditRecord | null {
  const common = { service, author: byFile, action: 'config.reload', object: instanceId };
  if (after.problem !== null) {
    // What is wrong may quote the file, and with it a secret.
    return after.problem === before.problem ? null : { ...common, outcome: 'refused' };
  }
  const changes = changesBetween(before.settings, after.settings);
  if (changes.length === 0) return null;
  return {
    ...common,
    before: Object.fromEntries(changes.map((change) => [change.path, parsed(change.before)])),
    after: Object.fromEntries(changes.map((change) => [change.path, parsed(change.after)])),
  };
}

function parsed(json: string | null): unknown {
  return json === null ? null : JSON.parse(json);
}
