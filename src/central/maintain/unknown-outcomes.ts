import type { Config } from '../../platform/config/load.ts';
import type { Live } from '../../platform/core/live.ts';
import { createLoop } from '../../platform/core/loop.ts';
import type { HealthCheck, Service } from '../../platform/core/service.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import { listUnknownShares, markUnknownOutcomes, type UnknownShare } from '../../platform/store/decision-tallies.ts';
import { markUnknownLanes } from '../../platform/store/race-results.ts';
import type { Logger } from '../../platform/telemetry/logger.ts';
import type { Metrics } from '../../platform/telemetry/metrics.ts';

const intervalMs = 5000;
/** Decisions, and lanes of races, that one statement takes at most, so that none is long. */
const batchLimit = 1000;
/** Of fewer decisions a share says little. */
const alarmDecisions = 100;

/**
 * Gives up waiting for outcomes and for verdicts of races: of a router that was killed they never come. Warns where many
 * outcomes of an instance are missing. Any number may run: each decision is marked once, and what all have marked is what
 * each warns of.
 */
export function createUnknownOutcomes(options: {
  config: Live<Pick<Config, 'consumer'>>;
  pool: Pool;
  log: Logger;
  metrics: Metrics;
}): Service {
  const { pool, log, metrics } = options;
  const marked = metrics.counter('signalbox_decisions_unknown_total');
  let shares: readonly UnknownShare[] = [];
  let alarming: readonly UnknownShare[] = [];
  metrics.sampledGauge('signalbox_unknown_outcome_ratio', () =>
    shares.map((share) => [{ instance_id: label(share.instanceId) }, rateOf(share)] as const),
  );

  function label(instanceId: string): string {
    return metrics.boundedLabel('instance_id', instanceId);
  }

  async function check(): Promise<void> {
    const { unknown_after_s: afterSeconds, unknown_alarm_rate: alarmRate } = options.config().consumer;
    shares = await listUnknownShares(pool, afterSeconds);
    const known = new Set(alarming.map((share) => share.instanceId));
    alarming = shares.filter((share) => share.decisions >= alarmDecisions && rateOf(share) > alarmRate);
    for (const share of alarming) {
      if (known.has(share.instanceId)) continue;
      const { instanceId, decisions, unknown } = share;
      log.warn({ instance_id: instanceId, decisions, unknown }, 'many outcomes of an instance are missing');
    }
  }

  const loop = createLoop({
    name: 'unknown outcomes',
    intervalMs,
    log,
    failures: metrics.counter('signalbox_loop_failures_total'),
    async runOnce() {
      const { unknown_after_s: afterSeconds } = options.config().consumer;
      const instances = await markUnknownOutcomes(pool, afterSeconds, batchLimit);
      for (const { instanceId, count, copies } of instances) {
        if (count > copies) marked.inc({ instance_id: label(instanceId) }, count - copies);
      }
      const lanes = await markUnknownLanes(pool, afterSeconds, batchLimit);
      if (lanes === batchLimit || instances.reduce((sum, { count }) => sum + count, 0) === batchLimit) return 'again';
      await check();
      return undefined;
    },
  });

  function health(): HealthCheck {
    const state = loop.health?.() ?? { ok: true };
    if (!state.ok || alarming.length === 0) return state;
    const details = alarming.map(
      (share) =>
        `${share.instanceId}: ${(100 * rateOf(share)).toFixed(1)}% of ${share.decisions} decisions of an hour have no outcome`,
    );
    // Central itself does its work; it is the instance that needs somebody's attention.
    return { ok: true, detail: details.join('; ') };
  }

  return { name: loop.name, start: () => loop.start(), stop: () => loop.stop(), health };
}

function rateOf({ decisions, unknown }: UnknownShare): number {
  return unknown / Math.max(1, decisions);
}
