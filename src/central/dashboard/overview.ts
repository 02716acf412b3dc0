import type { Overview, Window } from '../../contracts/dashboard.ts';
import { decisionsQueue } from '../../contracts/event.ts';
import { countWaiting } from '../../platform/postgres/pgmq.ts';
import type { Executor } from '../../platform/postgres/pool.ts';
import { countOpenIncidents, listIncidents, toIncidentBody } from '../../platform/store/incidents.ts';
import { listInstances } from '../../platform/store/instances.ts';
import { findNewestEventTime } from '../../platform/store/processed-events.ts';
import { readTrafficByModel, readTrafficSeries, type TrafficTotals } from '../../platform/store/traffic.ts';
import { type Latencies, readLatencies } from '../../platform/store/traffic-latencies.ts';
import { addUp, mergeAll, shareOf, toModelTraffic, toTraffic } from './traffic.ts';
import { type LookBack, lookBack } from './windows.ts';

const mostModels = 50;
const mostIncidents = 5;

/** The fleet at a glance, from sums alone. */
export async function readOverview(db: Executor, window: Window, nowMs: number): Promise<Overview> {
  const look = lookBack(window, nowMs);
  const { bucketSeconds, resolution, starts } = look;
  const series = await readTrafficSeries(db, resolution, look, bucketSeconds);
  const latencies = await latenciesByBucket(db, look);
  const sumsAt = new Map(series.map((sums) => [sums.at.getTime(), sums]));
  const models = await readTrafficByModel(db, resolution, look);
  const newestEventAt = await findNewestEventTime(db);
  const { length, oldestAgeSeconds } = await countWaiting(db, decisionsQueue);
  const instances = await listInstances(db);
  return {
    window,
    since: look.since.toISOString(),
    until: new Date(nowMs).toISOString(),
    bucket_seconds: bucketSeconds,
    totals: toTraffic(addUp(series), mergeAll(latencies.values())),
    previous: await readPrevious(db, look),
    series: starts.map((at) => ({
      at: at.toISOString(),
      ...toTraffic(sumsAt.get(at.getTime()) ?? addUp([]), latencies.get(String(at.getTime()))),
    })),
    models: byCalls(models).slice(0, mostModels),
    incidents: {
      open: await countOpenIncidents(db),
      newest: (await listIncidents(db, { open: true, limit: mostIncidents })).map(toIncidentBody),
    },
    instances: {
      live: instances.filter(({ isLive }) => isLive).length,
      stale: instances.filter(({ isLive }) => !isLive).length,
    },
    staleness: {
      newest_event_at: newestEventAt?.toISOString() ?? null,
      newest_event_age_seconds:
        newestEventAt === undefined ? null : Math.max(0, nowMs - newestEventAt.getTime()) / 1000,
      waiting_events: length,
      oldest_waiting_seconds: oldestAgeSeconds,
    },
  };
}

async function readPrevious(
  db: Executor,
  { previous, resolution, bucketSeconds }: LookBack,
): Promise<Overview['previous']> {
  const sums = await readTrafficSeries(db, resolution, previous, bucketSeconds);
  const latencies = await readLatencies(db, resolution === 'minute' ? 60 : 3600, previous, 'all', () => '');
  return toTraffic(addUp(sums), latencies.get(''));
}

/** By the beginning of the bucket, in milliseconds as text. */
function latenciesByBucket(db: Executor, look: LookBack): Promise<Map<string, Latencies>> {
  const bucketMs = look.bucketSeconds * 1000;
  const sinceMs = look.since.getTime();
  return readLatencies(db, look.resolution === 'minute' ? 60 : 3600, look, 'all', (at) =>
    String(sinceMs + Math.floor((at.getTime() - sinceMs) / bucketMs) * bucketMs),
  );
}

function byCalls(models: ReadonlyArray<TrafficTotals & { provider: string; model: string }>): Overview['models'] {
  const calls = models.reduce((sum, { requests }) => sum + requests.calls, 0);
  return models
    .map(({ provider, model, ...totals }) => ({
      provider,
      model,
      share: shareOf(totals.requests.calls, calls) ?? 0,
      ...toModelTraffic(totals),
    }))
    .sort((a, b) => b.calls - a.calls);
}
