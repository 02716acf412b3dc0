import { createSketch, deserialiseSketch, type QuantileSketch } from '../../statistics/quantile-sketch.ts';
import type { Executor } from '../postgres/pool.ts';

/** Response times in milliseconds of one (model, complexity) in one hour. */
export interface LatencySketch {
  model: string;
  complexity: string;
  /** The start of the hour. */
  hour: Date;
  sketch: QuantileSketch;
}

interface SketchRow {
  model_name: string;
  complexity_level: string;
  hour: Date;
  sketch: Buffer;
}

function toLatencySketch(row: SketchRow): LatencySketch {
  return {
    model: row.model_name,
    complexity: row.complexity_level,
    hour: row.hour,
    sketch: deserialiseSketch(row.sketch),
  };
}

/**
 * Merges sketches into what is stored, in key order; at most one for each key. It reads before it writes, so only in a
 * transaction that has locked the cells' rows of `model_routing_metrics` (`addMetrics` does), or counts are lost.
 */
export async function mergeLatencySketches(db: Executor, additions: readonly LatencySketch[]): Promise<void> {
  if (additions.length === 0) return;
  const models = additions.map((addition) => addition.model);
  const complexities = additions.map((addition) => addition.complexity);
  const hours = additions.map((addition) => addition.hour);
  const { rows } = await db.query<SketchRow>(
    `select model_name, complexity_level, hour, sketch
     from model_latency_sketches
     join unnest($1::text[], $2::text[], $3::timestamptz[]) as key (model, complexity, at)
       on model_name = model and complexity_level = complexity and hour = at
     order by model_name, complexity_level, hour
     for update of model_latency_sketches`,
    [models, complexities, hours],
  );
  const stored = new Map(rows.map(toLatencySketch).map((found) => [keyOf(found), found.sketch]));
  const merged = additions.map((addition) => {
    const sketch = stored.get(keyOf(addition)) ?? createSketch();
    sketch.merge(addition.sketch);
    return sketch;
  });
  await db.query(
    `insert into model_latency_sketches (model_name, complexity_level, hour, sketch, count)
     select model, complexity, at, bytes, number
     from unnest($1::text[], $2::text[], $3::timestamptz[], $4::bytea[], $5::bigint[])
       as merged (model, complexity, at, bytes, number)
     order by model, complexity, at
     on conflict (model_name, complexity_level, hour) do update set sketch = excluded.sketch, count = excluded.count`,
    [
      models,
      complexities,
      hours,
      merged.map((sketch) => Buffer.from(sketch.serialise())),
      merged.map((sketch) => sketch.count),
    ],
  );
}

function keyOf({ model, complexity, hour }: Pick<LatencySketch, 'model' | 'complexity' | 'hour'>): string {
  return JSON.stringify([model, complexity, hour.getTime()]);
}

/** The key of a cell in what `latencyOfLastHours` returns. */
export function cellKey(model: string, complexity: string): string {
  return JSON.stringify([model, complexity]);
}

/** Response times of the last `hours` hours, one sketch for each cell, by `cellKey`; of all cells or of these models. */
export async function latencyOfLastHours(
  db: Executor,
  hours: number,
  models?: readonly string[],
): Promise<Map<string, QuantileSketch>> {
  const { rows } = await db.query<SketchRow>(
    `select model_name, complexity_level, hour, sketch
     from model_latency_sketches
     where hour > now() - make_interval(hours => $1) and ($2::text[] is null or model_name = any($2))`,
    [hours, models],
  );
  const byCell = new Map<string, QuantileSketch>();
  for (const { model, complexity, sketch } of rows.map(toLatencySketch)) {
    const key = cellKey(model, complexity);
    const whole = byCell.get(key);
    if (whole === undefined) byCell.set(key, sketch);
    else whole.merge(sketch);
  }
  return byCell;
}

/** Deletes up to `limit` sketches older than `days`. Returns how many. */
export async function pruneLatencySketches(db: Executor, days: number, limit: number): Promise<number> {
  const { rowCount } = await db.query(
    `delete from model_latency_sketches
     where ctid in (select ctid from model_latency_sketches where hour < now() - make_interval(days => $1) limit $2)`,
    [days, limit],
  );
  return rowCount ?? 0;
}
