import type { ServiceName } from '../../contracts/api.ts';
import { createLoop } from '../core/loop.ts';
import type { Service } from '../core/service.ts';
import type { Executor } from '../postgres/pool.ts';
import { appendAudit, type AuditRecord } from '../store/audit-log.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { LiveConfig } from './live.ts';
import { reloadRecord } from './reload-record.ts';

export interface ReloadAuditOptions {
  config: LiveConfig;
  service: ServiceName;
  instanceId: string;
  pool: Executor;
  log: Logger;
}

/** Rows that wait at the most; with more the oldest is given up. */
const mostWaiting = 100;
const intervalMs = 1000;

/**
 * Writes a row of the audit log for each new configuration file. The change is one of this process and not of the database:
 * while that is away, rows wait, and say when the change was. Each is written at least once; `stop` tries a last time. What
 * is given up is told in the log.
 */
export function createReloadAudit({ config, service, instanceId, pool, log }: ReloadAuditOptions): Service {
  const waiting = new Set<AuditRecord>();
  let before = config.state();

  async function writeAll(): Promise<void> {
    for (const record of waiting) {
      await appendAudit(pool, record);
      waiting.delete(record);
    }
  }

  function giveUp(record: AuditRecord, error?: unknown): void {
    waiting.delete(record);
    log.error({ err: error, action: record.action }, 'the audit log could not be written');
  }

  const loop = createLoop({ name: 'reload audit', intervalMs, runOnce: writeAll, log });

  config.onChange(() => {
    const after = config.state();
    const record = reloadRecord(service, instanceId, before, after);
    before = after;
    if (record === null) return;
    const [oldest] = waiting;
    if (oldest !== undefined && waiting.size >= mostWaiting) giveUp(oldest);
    waiting.add({ ...record, at: new Date() });
    loop.wake();
  });

  return {
    name: loop.name,
    start: () => loop.start(),
    async stop() {
      await loop.stop();
      try {
        await writeAll();
      } catch (error) {
        for (const record of waiting) giveUp(record, error);
      }
    },
  };
}
