import type { Pool } from '../../src/platform/postgres/pool.ts';
import { mergeTrafficLatencies } from '../../src/platform/store/traffic-latencies.ts';
import { createSketch, type QuantileSketch } from '../../src/statistics/quantile-sketch.ts';

export const days = 30;
const models = 20;

/** A fleet's month in its tables, made by the database itself: records, and all that central sums up of them. */
export async function fill(pool: Pool, records: number, onStep: (text: string) => void): Promise<void> {
  onStep('catalogue and beliefs');
  await pool.query(catalogue);
  for (let day = days; day >= 0; day -= 1) {
    onStep(`records of day ${days - day + 1} of ${days + 1}`);
    await pool.query(`select ensure_routing_records_partition((now() at time zone 'UTC')::date - $1::integer)`, [day]);
    await pool.query(recordsOfDay, [day, Math.ceil(records / days), models]);
  }
  onStep('sums');
  for (const statement of sums) await pool.query(statement);
  await fillLatencies(pool, onStep);
  onStep('vacuum and analyze');
  await pool.query('vacuum analyze');
}

/** Model number n of this installation, and its provider; the first are asked most. */
const named = (n: string): string => `'model-' || ${n} as model, 'provider-' || ${n} % 4 as provider`;

const catalogue = `
  insert into models (provider, model_id, status, capabilities, input_modalities, output_modalities, context_window,
    max_output_tokens, input_usd_per_million_tokens, output_usd_per_million_tokens, simple_score, medium_score, complex_score,
    source)
  select provider, model, 'stable', jsonb_build_object('text_generation', true, 'multimodal', false, 'tool_use', true,
      'long_context', false, 'streaming', true, 'function_calling', true, 'fast_inference', false, 'structured_output', true,
      'reasoning', false, 'embeddings', false),
    '{text}', '{text}', 128000, 16000, 1 + n, 4 * (1 + n), 3 + n / 20.0, 3 + n / 25.0, 3 + n / 30.0, 'discovered'
  from (select n, ${named('n')} from generate_series(0, ${models - 1}) as n) as made;
  insert into provider_health (provider, status) select 'provider-' || n, 'healthy' from generate_series(0, 3) as n;
  insert into complexity_scores (model_name, complexity_level, score, prior_score, seq, sample_size, reason)
  select 'model-' || n, level, 4, 4, n, 100, 'believed so' from generate_series(0, ${models - 1}) as n,
    unnest(array['simple', 'medium', 'complex']) as level;
  insert into learner_cells (model_name, complexity_level, successes, failures, observations, prior_share, cusum_worse,
    cusum_better, response_times, response_time_sum_ms, parts, clock, aged_at, success_rate, strength, refinements)
  select 'model-' || n, level, 90, 10, 100, 0.1, 1, 1, 90, 90000, '[]', 1000, now(), 0.9, 100, '[]'
  from generate_series(0, ${models - 1}) as n, unnest(array['simple', 'medium', 'complex']) as level;
  insert into score_updates (timestamp, model_name, complexity_level, old_score, new_score, sample_size, reason)
  select now() - make_interval(secs => 26 * (100000 - n)), 'model-' || n % ${models},
    (array['simple', 'medium', 'complex'])[1 + n % 3], 4, 4.1, 100, 'it answered better than was believed'
  from generate_series(1, 100000) as n;
  insert into incidents (incident_id, kind, model_id, complexity, opened_at, closed_at)
  select uuidv7(), 'drift', 'model-' || n % ${models}, 'simple', now() - make_interval(hours => n), now()
  from generate_series(1, 500) as n;
  insert into instances (instance_id, service, version, started_at) select 'router-' || n, 'router', '1', now()
  from generate_series(1, 50) as n;
  insert into processed_events (event_id, processed_at) select uuidv7(), now() - make_interval(secs => n / 2.0)
  from generate_series(1, 1000000) as n;
  insert into virtual_keys (key_id, name, key_hash, key_prefix)
  select uuidv7(), 'key ' || n, sha256(n::text::bytea), 'sk-sb-' from generate_series(1, 1000) as n;
  insert into race_mode_results (call_id, caller_id, strategy, candidate_model, created_at, lane, lanes, candidate_provider,
    decision_id, instance_id, complexity, status, candidate_attempt)
  select race.id, 'anonymous', 'first', 'model-' || lane, now() - make_interval(secs => 26 * n), lane, 3, 'provider-' || lane,
    uuidv7(), 'router-1', 'simple', case lane when 0 then 'won' else 'cancelled' end, 0
  from (select n, uuidv7() as id from generate_series(1, 100000) as n) as race, generate_series(0, 2) as lane;
`;

/** As wide as real ones, but for the explanation, which lies in another place than the row. */
const recordsOfDay = `
  insert into routing_records (timestamp, instance_id, complexity, model, provider, score, outcome, response_time_ms,
    decision_id, attempt, origin, propensity, query_type, requested_model, response_model, streamed, input_tokens,
    output_tokens, usage_estimated, cost_usd, time_to_first_token_ms, http_status, error_code, policy_version, features_key,
    features)
  select at, 'router-' || n % 50, (array['simple', 'medium', 'complex'])[1 + n % 3], model, provider, 4, outcome,
    case when outcome = 'success' then 200 + (2000 * random())::integer end, uuidv7(), 0,
    (array['auto', 'auto', 'auto', 'auto', 'pinned', 'race'])[1 + n % 6], 1, 'technical', 'auto', model, true, 400, 300, false,
    0.001 * (1 + random()), 150 + (300 * random())::integer, 200, case when outcome = 'failure' then 'server' end, '1', 'k',
    features
  from (
    select n, at, outcome, features, ${named('m')}
    from (
      select n, floor($3::integer * random() * random())::integer as m,
        case when n % 100 = 7 then 'failure' when n % 250 = 9 then 'timeout' else 'success' end as outcome,
        ((now() at time zone 'UTC')::date - $1::integer)::timestamp at time zone 'UTC'
          + make_interval(secs => 86400.0 * n / $2) as at
      from generate_series(0, $2::integer - 1) as n
    ) as moment,
    (select array_agg(1000 * i) as features from generate_series(1, 80) as i) as prompt
    where at <= now() and at > now() - interval '${days} days'
    offset 0
  ) as drawn`;

const sumColumns = `count(*), count(*), 0, count(*), count(*) filter (where outcome = 'success'),
  count(*) filter (where outcome <> 'success'), 0, 0, sum(input_tokens), sum(output_tokens), sum(cost_usd)`;
const kind = `case origin when 'race' then 'race' else 'request' end`;

const sums: readonly string[] = [
  `insert into traffic_hours select date_trunc('hour', timestamp), provider, model, ${kind}, ${sumColumns}
   from routing_records group by 1, 2, 3, 4`,
  `insert into traffic_minutes select date_trunc('minute', timestamp), provider, model, ${kind}, ${sumColumns}
   from routing_records where timestamp > now() - interval '2 days' group by 1, 2, 3, 4`,
  `insert into spending select date_trunc('hour', timestamp), 'choice', provider, model, complexity, count(*),
     sum(input_tokens), 0, sum(output_tokens), 0, sum(cost_usd), 0, 0, 0
   from routing_records where origin = 'auto' group by 1, 3, 4, 5`,
  `insert into model_routing_metrics (model_name, complexity_level, usage_count, success_count)
   select model, complexity, count(*), count(*) filter (where outcome = 'success') from routing_records group by 1, 2`,
];

/** Sketches of each hour and model and of each minute, of a thousand values or fewer. */
async function fillLatencies(pool: Pool, onStep: (text: string) => void): Promise<void> {
  const hourMs = 3_600_000;
  const nowMs = Date.now();
  for (let hour = 0; hour <= days * 24; hour += 1) {
    if (hour % 24 === 0) onStep(`latencies of day ${hour / 24 + 1} of ${days + 1}`);
    const bucket = new Date(Math.floor(nowMs / hourMs - hour) * hourMs).toISOString();
    const ofModels = Array.from({ length: models }, (_, n) => ({ provider: `provider-${n % 4}`, model: `model-${n}` }));
    await mergeTrafficLatencies(
      pool,
      [{ provider: '', model: '' }, ...ofModels].map((of) => ({
        ...of,
        bucketSeconds: 3600,
        bucket,
        ...twoSketches(1000),
      })),
    );
  }
  onStep('latencies of minutes');
  for (let minute = 0; minute < 2 * 1440; minute += 60) {
    await mergeTrafficLatencies(
      pool,
      Array.from({ length: 60 }, (_, index) => ({
        bucketSeconds: 60,
        bucket: new Date((Math.floor(nowMs / 60_000) - minute - index) * 60_000).toISOString(),
        provider: '',
        model: '',
        ...twoSketches(300),
      })),
    );
  }
}

function twoSketches(values: number): { response: QuantileSketch; firstToken: QuantileSketch } {
  const [response, firstToken] = [createSketch(), createSketch()];
  for (let count = 0; count < values; count += 1) {
    response.add(200 + 2000 * Math.random() ** 3);
    firstToken.add(150 + 300 * Math.random() ** 3);
  }
  return { response, firstToken };
}
