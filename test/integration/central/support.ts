import { decisionsQueue, type RoutingDecision, type RoutingEvent } from '../../../src/contracts/event.ts';
import { type BatchOptions, type BatchResult, consumeBatch } from '../../../src/central/consume/consume-batch.ts';
import type { Pool } from '../../../src/platform/postgres/pool.ts';

export const batchOptions: BatchOptions = {
  batchSize: 200,
  visibilitySeconds: 30,
};

/** The seed's event, with exactly its fields. */
export function seedEvent(decision: Partial<RoutingDecision> = {}): RoutingEvent {
  return {
    timestamp: '2025-10-27T06:55:00Z',
    instance_id: 'singularity-1',
    routing_decision: {
      complexity: 'complex',
      selected_model: 'gpt-4o',
      selected_provider: 'github_models',
      complexity_score: 4.8,
      outcome: 'routed',
      response_time_ms: null,
      capabilities_required: [],
      prefer: null,
      user_model_request: null,
      ...decision,
    },
  };
}

let sequence = 0;

/** A UUID that no other call returns. */
export function newId(): string {
  sequence += 1;
  return `00000000-0000-7000-8000-${sequence.toString(16).padStart(12, '0')}`;
}

/** An event of a decision, with ids, at the present time. */
export function eventOf(decisionId: string, decision: Partial<RoutingDecision>): RoutingEvent {
  return {
    ...seedEvent({ decision_id: decisionId, ...decision }),
    timestamp: new Date().toISOString(),
    event_id: newId(),
  };
}

/** As any program would that only knows SQL. */
export async function send(pool: Pool, messages: readonly unknown[]): Promise<void> {
  for (const message of messages) {
    await pool.query('select pgmq.send($1, $2::jsonb)', [decisionsQueue, JSON.stringify(message)]);
  }
}

/** Consumes until the queue has nothing to read. */
export async function drain(pool: Pool, options: Partial<BatchOptions> = {}): Promise<BatchResult[]> {
  const batches: BatchResult[] = [];
  for (;;) {
    const batch = await consumeBatch(pool, { ...batchOptions, ...options });
    if (batch.read === 0) return batches;
    batches.push(batch);
  }
}

export function total(batches: readonly BatchResult[], key: 'duplicates' | 'deadLetters' | 'ignored'): number {
  return batches.reduce((sum, batch) => sum + batch[key], 0);
}

export interface Counters {
  routed: number;
  usage: number;
  success: number;
  failure: number;
  timeout: number;
  cancelled: number;
  latencies: number;
  avgMs: number | null;
}

/** The counters of a model, over all complexities. */
export async function countersOf(pool: Pool, model: string): Promise<Counters> {
  const { rows } = await pool.query<Counters>(
    `select coalesce(sum(routed_count), 0)::int as routed, coalesce(sum(usage_count), 0)::int as usage,
       coalesce(sum(success_count), 0)::int as success, coalesce(sum(failure_count), 0)::int as failure,
       coalesce(sum(timeout_count), 0)::int as timeout, coalesce(sum(cancelled_count), 0)::int as cancelled,
       coalesce(sum(response_time_count), 0)::int as latencies,
       sum(avg_response_time * response_time_count) / nullif(sum(response_time_count), 0) as "avgMs"
     from model_routing_metrics where model_name = $1`,
    [model],
  );
  return rows[0] as Counters;
}

export async function queueLength(pool: Pool, queue: string): Promise<number> {
  const { rows } = await pool.query<{ length: number }>('select queue_length::int as length from pgmq.metrics($1)', [
    queue,
  ]);
  return rows[0]?.length ?? -1;
}

/** Every table that a consumer writes, in a form that two runs can be compared by. */
export async function countRows(pool: Pool): Promise<{ records: number; processed: number; sketched: number }> {
  const { rows } = await pool.query<{ records: number; processed: number; sketched: number }>(
    `select (select count(*) from routing_records)::int as records,
       (select count(*) from processed_events)::int as processed,
       (select coalesce(sum(count), 0) from model_latency_sketches)::int as sketched`,
  );
  return rows[0] as { records: number; processed: number; sketched: number };
}
