import type { DashboardModel, DashboardModels, HistoryWindow } from '../../contracts/dashboard.ts';
import { capabilityNames, type Model, modelKey, type ProviderHealth } from '../../contracts/model.ts';
import type { Executor } from '../../platform/postgres/pool.ts';
import { listComplexityScores } from '../../platform/store/complexity-scores.ts';
import { listCellBeliefs } from '../../platform/store/learner-cells.ts';
import { listOfferedModels } from '../../platform/store/models.ts';
import { listProviderHealth } from '../../platform/store/provider-health.ts';
import { readAnswerCosts } from '../../platform/store/spending.ts';
import { readTrafficByModel } from '../../platform/store/traffic.ts';
import { readLatencies } from '../../platform/store/traffic-latencies.ts';
import { costQualityPoints } from './cost-quality.ts';
import { createScoreCells } from './score-cells.ts';
import { addUp, quantilesOf, shareOf, toModelTraffic } from './traffic.ts';
import { lookBack } from './windows.ts';

const dayMs = 86_400_000;

/** The models that are offered, with what is believed and what was measured of them. */
export async function readModels(db: Executor, window: HistoryWindow, nowMs: number): Promise<DashboardModels> {
  const look = lookBack(window, nowMs);
  const catalogue = await listOfferedModels(db);
  const { rows: scores } = await listComplexityScores(db);
  const cellsOf = createScoreCells(scores, await listCellBeliefs(db));
  const health = new Map((await listProviderHealth(db)).map((provider) => [provider.provider, provider]));
  const traffic = await readTrafficByModel(db, 'hour', look);
  const calls = traffic.reduce((sum, { requests }) => sum + requests.calls, 0);
  const keyOf = (provider: string, model: string): string => modelKey({ provider, model_id: model });
  const trafficOf = new Map(traffic.map((totals) => [keyOf(totals.provider, totals.model), totals]));
  const spanOfDays = { ...look, since: new Date(Math.floor(look.since.getTime() / dayMs) * dayMs) };
  const [bucketSeconds, span] = window === '24h' ? ([3600, look] as const) : ([86_400, spanOfDays] as const);
  const latencies = await readLatencies(db, bucketSeconds, span, 'each', (_at, provider, model) =>
    keyOf(provider, model),
  );

  const models = catalogue.map((model): DashboardModel => {
    const totals = trafficOf.get(modelKey(model)) ?? addUp([]);
    const latency = latencies.get(modelKey(model));
    return {
      ...describe(model),
      scores: cellsOf(model),
      traffic: {
        ...toModelTraffic(totals),
        share: shareOf(totals.requests.calls, calls) ?? 0,
        latency_ms: quantilesOf(latency?.response),
        first_token_ms: quantilesOf(latency?.firstToken),
      },
      health: healthOf(health.get(model.provider)),
    };
  });
  return {
    window,
    since: look.since.toISOString(),
    until: new Date(nowMs).toISOString(),
    models,
    cost_quality: costQualityPoints(
      models.filter(({ capabilities }) => capabilities.includes('text_generation')),
      await readAnswerCosts(db, look.since),
    ),
  };
}

function describe(model: Model): Omit<DashboardModel, 'scores' | 'traffic' | 'health'> {
  return {
    provider: model.provider,
    model_id: model.model_id,
    display_name: model.display_name,
    status: model.status,
    capabilities: capabilityNames.filter((name) => model.capabilities[name]),
    context_window: model.context_window,
    input_usd_per_million_tokens: perMillion(model.costs.input_tokens_per_1k),
    output_usd_per_million_tokens: perMillion(model.costs.output_tokens_per_1k),
    is_refiner: model.refiner,
  };
}

/** To 12 digits, so that a price reads as it was written. */
function perMillion(usdPerThousand: number | null): number | null {
  return usdPerThousand === null ? null : Number((usdPerThousand * 1000).toPrecision(12));
}

function healthOf(health: ProviderHealth | undefined): DashboardModel['health'] {
  if (health === undefined) return null;
  const { status, simulated, last_checked_at, last_ok_at, error } = health;
  return { status, simulated, last_checked_at, last_ok_at, error };
}
