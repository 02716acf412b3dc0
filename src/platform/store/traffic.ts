import type { Executor } from '../postgres/pool.ts';

/** For a client; for a race; a copy of a request to a model on trial. */
export type TrafficKind = 'request' | 'race' | 'copy';

/** Sums over calls, as the columns are named. Costs in USD. */
export interface Traffic {
  /** Of clients; those that have ended; those whose client left. */
  requests: number;
  requests_ended: number;
  requests_left: number;
  calls: number;
  answers: number;
  /** Timeouts included. */
  failures: number;
  feedback_count: number;
  /** Of scores in [0, 1]. */
  feedback_sum: number;
  input_tokens: number;
  output_tokens: number;
  cost_usd: number;
}

/** What is added to a minute and its hour; corrections are negative. */
export interface TrafficChange extends Traffic {
  /** Its beginning, ISO 8601. */
  minute: string;
  provider: string;
  model: string;
  kind: TrafficKind;
}

/** A span of time: from `since`, before `until`. */
export interface Span {
  since: Date;
  until: Date;
}

/** How long the buckets are that sums are read from. */
export type Resolution = 'minute' | 'hour';

const sums = [
  'requests',
  'requests_ended',
  'requests_left',
  'calls',
  'answers',
  'failures',
  'feedback_count',
  'feedback_sum',
  'input_tokens',
  'output_tokens',
  'cost_usd',
] as const satisfies ReadonlyArray<keyof Traffic>;

export function noTraffic(): Traffic {
  return {
    requests: 0,
    requests_ended: 0,
    requests_left: 0,
    calls: 0,
    answers: 0,
    failures: 0,
    feedback_count: 0,
    feedback_sum: 0,
    input_tokens: 0,
    output_tokens: 0,
    cost_usd: 0,
  };
}

/** Adds one sum after the other to the first. */
export function addSums(to: Traffic, more: Traffic, times: 1 | -1 = 1): void {
  for (const sum of sums) to[sum] += times * more[sum];
}

const added = sums.map((sum) => `sum(${sum})`).join(', ');
const summed = sums.map((sum) => `coalesce(sum(${sum}), 0)::float8 as ${sum}`).join(', ');
const tables: Readonly<Record<Resolution, string>> = { minute: 'traffic_minutes', hour: 'traffic_hours' };

/** Adds to hours and minutes, in the order of their keys. */
export async function addTraffic(db: Executor, changes: readonly TrafficChange[]): Promise<void> {
  if (changes.length === 0) return;
  await db.query({
    name: 'add-traffic',
    text: `with change as materialized (
        select * from jsonb_to_recordset($1::jsonb) as given (minute timestamptz, provider text, model text, kind text, ${sums.map((sum) => `${sum} ${typeOf(sum)}`).join(', ')})
      ), hours as (${addTo('hour')})
      ${addTo('minute')}`,
    values: [JSON.stringify(changes)],
  });
}

function addTo(resolution: Resolution): string {
  const names = 'provider, model, kind';
  const keys = `${resolution}, ${names}`;
  return `insert into ${tables[resolution]} as known (${keys}, ${sums.join(', ')})
    select date_trunc('${resolution}', change.minute, 'UTC') as ${resolution}, ${names}, ${added} from change
    group by 1, ${names} order by 1, ${names}
    on conflict (${keys}) do update set ${sums.map((sum) => `${sum} = known.${sum} + excluded.${sum}`).join(', ')}`;
}

function typeOf(sum: keyof Traffic): string {
  if (sum === 'cost_usd') return 'numeric';
  return sum === 'feedback_sum' ? 'float8' : 'bigint';
}

/** Sums of all calls of a span, and of those for clients alone. */
export interface TrafficTotals {
  all: Traffic;
  requests: Traffic;
}

const requestsOnly = sums
  .map((sum) => `coalesce(sum(${sum}) filter (where kind = 'request'), 0)::float8 as request_${sum}`)
  .join(', ');

type TotalsRow = Traffic & Record<`request_${keyof Traffic}`, number>;

function toTotals(row: TotalsRow): TrafficTotals {
  const pick = (prefix: '' | 'request_'): Traffic =>
    Object.fromEntries(sums.map((sum) => [sum, row[`${prefix}${sum}`]])) as unknown as Traffic;
  return { all: pick(''), requests: pick('request_') };
}

/** Sums by buckets of `bucketSeconds`, counted from the start of the span; empty ones are left out. */
export async function readTrafficSeries(
  db: Executor,
  resolution: Resolution,
  { since, until }: Span,
  bucketSeconds: number,
  of?: { provider: string; model: string },
): Promise<Array<TrafficTotals & { at: Date }>> {
  const { rows } = await db.query<TotalsRow & { at: Date }>(
    `select date_bin(make_interval(secs => $3), ${resolution}, $1) as at, ${summed}, ${requestsOnly}
     from ${tables[resolution]}
     where ${resolution} >= $1 and ${resolution} < $2
       and ($4::text is null or provider = $4) and ($5::text is null or model = $5)
     group by 1 order by 1`,
    [since, until, bucketSeconds, of?.provider, of?.model],
  );
  return rows.map((row) => ({ at: row.at, ...toTotals(row) }));
}

/** Sums by model, in the order of provider and model. */
export async function readTrafficByModel(
  db: Executor,
  resolution: Resolution,
  { since, until }: Span,
): Promise<Array<TrafficTotals & { provider: string; model: string }>> {
  const { rows } = await db.query<TotalsRow & { provider: string; model: string }>(
    `select provider, model, ${summed}, ${requestsOnly} from ${tables[resolution]}
     where ${resolution} >= $1 and ${resolution} < $2
     group by provider, model order by provider, model`,
    [since, until],
  );
  return rows.map((row) => ({ provider: row.provider, model: row.model, ...toTotals(row) }));
}

/** Deletes up to `limit` minutes older than two days. Returns how many. */
export async function pruneTrafficMinutes(db: Executor, limit: number): Promise<number> {
  const { rowCount } = await db.query(
    `delete from traffic_minutes where ctid in (
       select ctid from traffic_minutes where minute < now() - interval '2 days' limit $1)`,
    [limit],
  );
  return rowCount ?? 0;
}

/** Deletes up to `limit` hours older than `days`. Returns how many. */
export async function pruneTrafficHours(db: Executor, days: number, limit: number): Promise<number> {
  const { rowCount } = await db.query(
    `delete from traffic_hours where ctid in (
       select ctid from traffic_hours where hour < now() - make_interval(days => $1) limit $2)`,
    [days, limit],
  );
  return rowCount ?? 0;
}
