import { notNeededReason, stoppedReason } from '../../contracts/lane-reason.ts';
import type { RaceOutcome, RaceStrategy } from '../../contracts/race.ts';
import type { Executor } from '../postgres/pool.ts';

/** A candidate: the same model of two providers is two. */
export interface RacedModel {
  model: string;
  provider: string;
}

/** What races came to. Costs in USD, times in milliseconds; null where nothing is known. */
export interface RaceStatistics {
  fastest_model: { model: string; wins: number } | null;
  highest_confidence_model: { model: string; avg: number } | null;
  by_outcome: Record<RaceOutcome | 'unfinished', number>;
  mean_agreement: number | null;
  total_cost_usd: number;
  strategies: Array<{
    strategy: RaceStrategy;
    races: number;
    race_ms: { mean: number | null; p50: number | null; p95: number | null };
    mean_cost_usd: number | null;
  }>;
  savings: { races: number; lanes_stopped: number; lanes_never_started: number; estimated_saved_usd: number };
  models: Array<
    RacedModel & {
      races: number;
      wins: number;
      finished_first: number;
      errors: number;
      invalid: number;
      mean_confidence: number | null;
      latency_ms: { p50: number | null; p95: number | null };
      cost_usd: number | null;
    }
  >;
  pairs: RacePair[];
}

/** How two candidates did in the races in which they met: for speed or for quality. */
export interface RacePair {
  kind: 'speed' | 'quality';
  a: RacedModel;
  b: RacedModel;
  races: number;
  wins_a: number;
  wins_b: number;
  /** Races that did not tell between the two. */
  ties: number;
}

/**
 * Statistics of the races of the last `hours`, with at most so many models and pairs, those of most races first. A race
 * counts with all its lanes, if one of them was first heard of in that time. One statement, so that the numbers fit together.
 *
 * Who wins: of a race for speed, the lane that was selected. Of one for quality, the better label where both have one, else
 * the lane that was selected. Lanes that never ran did not meet anybody, and a lane that was stopped said nothing of its
 * quality.
 */
export async function readRaceStatistics(
  db: Executor,
  hours: number,
  limits: { models: number; pairs: number },
): Promise<RaceStatistics> {
  const { rows } = await db.query<RaceStatistics>(
    `with recent as (
       select distinct call_id from race_mode_results where created_at > now() - make_interval(hours => $1)
     ), lane as materialized (
       -- Each race by itself, whatever the planner thinks of it: it would rather read all races of all times.
       select one.*, status in ('won', 'lost') and strategy <> 'first' as is_whole
       from recent cross join lateral (
         select * from race_mode_results where call_id = recent.call_id offset 0
       ) as one
     ), race as materialized (
       select call_id, min(strategy) as strategy, coalesce(min(race_outcome), 'unfinished') as outcome,
         max(race_ms) as race_ms, max(agreement) as agreement, sum(cost_usd) as cost_usd,
         bool_and(cost_usd is not null or latency_ms is null or status = 'error') as is_priced
       from lane group by call_id
     ), candidate as materialized (
       select call_id, candidate_model as model, candidate_provider as provider,
         case when min(strategy) = 'first' then 'speed' else 'quality' end as kind,
         bool_or(selected)::integer as selected, max(label) as label
       from lane
       where race_outcome is not null
         and (status <> 'cancelled' or case when strategy = 'first' then latency_ms is not null else label is not null end)
       group by 1, 2, 3
     ), meeting as (
       select a.kind, a.model as model_a, a.provider as provider_a, b.model as model_b, b.provider as provider_b,
         -- Of quality only what somebody has judged: who is selected without was believed to be better before.
         case when a.kind = 'quality' then coalesce(sign(a.label - b.label), 0) else a.selected - b.selected end as lead
       from candidate as a join candidate as b
         on a.call_id = b.call_id and (a.model, a.provider) < (b.model, b.provider)
     ), pair as (
       select kind, model_a, provider_a, model_b, provider_b, count(*) as races,
         count(*) filter (where lead > 0) as wins_a, count(*) filter (where lead < 0) as wins_b,
         count(*) filter (where lead = 0) as ties
       from meeting group by 1, 2, 3, 4, 5
       order by races desc, kind, model_a, provider_a, model_b, provider_b limit $3
     ), model as (
       select candidate_model as model, candidate_provider as provider, count(distinct call_id) as races,
         count(*) filter (where selected) as wins, count(*) filter (where finished_first) as finished_first,
         count(*) filter (where status = 'error') as errors, count(*) filter (where status = 'invalid') as invalid,
         avg(confidence) as mean_confidence,
         -- How long the others would have taken is not known.
         percentile_cont(0.5) within group (order by latency_ms) filter (where is_whole) as p50,
         percentile_cont(0.95) within group (order by latency_ms) filter (where is_whole) as p95,
         sum(cost_usd) as cost_usd
       from lane group by 1, 2 order by races desc, model, provider limit $2
     ), strategy as (
       select strategy, count(*) as races, avg(race_ms) as mean, percentile_cont(0.5) within group (order by race_ms) as p50,
         percentile_cont(0.95) within group (order by race_ms) as p95, avg(cost_usd) filter (where is_priced) as mean_cost_usd
       from race group by strategy
     )
     select
       (select json_build_object('model', candidate_model, 'wins', count(*)) from lane where finished_first
         group by candidate_model order by count(*) desc, candidate_model limit 1) as fastest_model,
       -- There is no round(double precision, integer).
       (select json_build_object('model', candidate_model, 'avg', round(avg(confidence)::numeric, 2)) from lane
         where confidence is not null
         group by candidate_model order by avg(confidence) desc, candidate_model limit 1) as highest_confidence_model,
       (select json_build_object(
         'decided', count(*) filter (where outcome = 'decided'),
         'no_consensus', count(*) filter (where outcome = 'no_consensus'),
         'no_answer', count(*) filter (where outcome = 'no_answer'),
         'unfinished', count(*) filter (where outcome = 'unfinished')) from race) as by_outcome,
       (select avg(agreement) from race where strategy = 'consensus') as mean_agreement,
       (select coalesce(sum(cost_usd), 0)::float8 from race) as total_cost_usd,
       (select coalesce(json_agg(json_build_object('strategy', strategy, 'races', races,
           'race_ms', json_build_object('mean', mean, 'p50', p50, 'p95', p95), 'mean_cost_usd', mean_cost_usd)
         order by strategy), '[]') from strategy) as strategies,
       (select json_build_object(
         'races', count(distinct call_id), 'lanes_stopped', count(latency_ms),
         'lanes_never_started', count(*) - count(latency_ms),
         'estimated_saved_usd', coalesce(sum(greatest(0,
           coalesce(estimated_cost_usd, 0)::numeric - coalesce(cost_usd, 0))), 0))
         from lane where status = 'cancelled' and reason = any($4::text[])) as savings,
       (select coalesce(json_agg(json_build_object('model', model, 'provider', provider, 'races', races, 'wins', wins,
           'finished_first', finished_first, 'errors', errors, 'invalid', invalid, 'mean_confidence', mean_confidence,
           'latency_ms', json_build_object('p50', p50, 'p95', p95), 'cost_usd', cost_usd)
         order by races desc, model, provider), '[]') from model) as models,
       (select coalesce(json_agg(json_build_object('kind', kind,
           'a', json_build_object('model', model_a, 'provider', provider_a),
           'b', json_build_object('model', model_b, 'provider', provider_b),
           'races', races, 'wins_a', wins_a, 'wins_b', wins_b, 'ties', ties)
         order by races desc, kind, model_a, provider_a, model_b, provider_b), '[]') from pair) as pairs`,
    [hours, limits.models, limits.pairs, [stoppedReason, notNeededReason]],
  );
  const [statistics] = rows;
  if (statistics === undefined) throw new Error('a statement without a from clause gave no row');
  return statistics;
}
