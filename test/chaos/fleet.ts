import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'vitest';
import { decisionsQueue } from '../../src/contracts/event.ts';
import { sleep } from '../../src/platform/core/clock.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/platform/postgres/embedded.ts';
import { migrate } from '../../src/platform/postgres/migrate.ts';
import { createPool, type Pool } from '../../src/platform/postgres/pool.ts';
import { findPostmaster } from '../../src/platform/postgres/postmaster.ts';
import { silentLogger } from '../../src/platform/telemetry/logger.ts';
import { type SignalboxProcess, startSignalbox } from '../support/app.ts';
import { type Child, runScript } from '../support/child-process.ts';
import type { PublisherProcessOptions } from './publisher-process.ts';

/** A server of its own, so that it can be killed, and the processes that work on it. */
export interface Fleet {
  pool: Pool;
  startCentral(name: string, env?: Record<string, string>): Promise<SignalboxProcess>;
  startPublisher(
    options: Pick<PublisherProcessOptions, 'instanceId' | 'decisions' | 'overMs' | 'seed'>,
    env?: Record<string, string>,
  ): Promise<Child>;
  postmasterPid(): Promise<number>;
  /** Waits until all that was sent is consumed, and compares what was counted with what was sent. */
  expectAllCounted(): Promise<{ events: number; copies: number }>;
  stop(): Promise<void>;
}

export async function startFleet(): Promise<Fleet> {
  const folder = await mkdtemp(path.join(tmpdir(), 'signalbox-chaos-'));
  const log = silentLogger();
  const postgres: EmbeddedPostgres = await startEmbeddedPostgres({ dataDir: folder, log });
  const { connectionString } = postgres;
  const pool = createPool({ connectionString, applicationName: 'chaos', max: 4, log });
  await migrate(pool, { log });
  await keepCopies(pool);
  const configFile = path.join(folder, 'signalbox.yaml');
  await writeFile(configFile, JSON.stringify({ consumer: { poll_ms: 100, visibility_s: 1, batch_size: 50 } }));
  const children = new Set<Child>();
  function keep<C extends Child>(child: C): C {
    children.add(child);
    void child.waitForExit().then(() => children.delete(child));
    return child;
  }

  return {
    pool,
    async startCentral(name, env = {}) {
      const central = keep(
        startSignalbox(['serve', 'central', '--config', configFile], {
          DATABASE_URL: connectionString,
          INSTANCE_ID: name,
          LOG_LEVEL: 'error',
          ...env,
        }),
      );
      await central.url('central');
      return central;
    },
    async startPublisher(options, env = {}) {
      const publisher = keep(
        runScript(
          'test/chaos/publisher-process.ts',
          [JSON.stringify({ connectionString, dataDir: path.join(folder, options.instanceId), ...options })],
          { cwd: folder, env: { PATH: process.env['PATH'], HOME: tmpdir(), ...env } },
        ),
      );
      await publisher.waitForLine((line) => line['ready'] === true);
      return publisher;
    },
    async postmasterPid() {
      const found = await findPostmaster(path.join(folder, 'postgres'));
      if (found === undefined) throw new Error('no server runs');
      return found.pid;
    },
    async expectAllCounted() {
      await expect.poll(() => isDrained(pool), { timeout: 60_000, interval: 50 }).toBe(true);
      const { sent, counted } = await compare(pool);
      expect(counted).toEqual(sent.sums);
      return { events: sent.events, copies: sent.copies };
    },
    async stop() {
      for (const child of children) {
        child.kill('SIGCONT');
        child.kill('SIGKILL');
      }
      await Promise.all([...children].map((child) => child.waitForExit()));
      await pool.end();
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Keeps a copy of every message in the transaction that sends it, so that what was sent is what is in there; and of all
 * evidence, which the learner takes away.
 */
async function keepCopies(pool: Pool): Promise<void> {
  await pool.query(`
    create table sent (message jsonb not null);
    create function copy_sent() returns trigger language plpgsql as $$
      begin insert into sent select message from inserted; return null; end $$;
    create trigger copy_sent after insert on pgmq.q_${decisionsQueue}
      referencing new table as inserted for each statement execute function copy_sent();

    create table evidence (like learner_evidence);
    create function copy_evidence() returns trigger language plpgsql as $$
      begin insert into evidence select * from inserted; return null; end $$;
    create trigger copy_evidence after insert on learner_evidence
      referencing new table as inserted for each statement execute function copy_evidence();`);
}

async function isDrained(pool: Pool): Promise<boolean> {
  try {
    const { rowCount } = await pool.query(`select 1 from pgmq.q_${decisionsQueue} limit 1`);
    return rowCount === 0;
  } catch {
    // The server is on its way up again.
    await sleep(50);
    return false;
  }
}

const sums = `jsonb_build_object(
  'records', count(*), 'success', count(*) filter (where outcome = 'success'),
  'failure', count(*) filter (where outcome = 'failure'), 'timeout', count(*) filter (where outcome = 'timeout'),
  'cancelled', count(*) filter (where outcome = 'cancelled'), 'input', coalesce(sum(input_tokens), 0),
  'output', coalesce(sum(output_tokens), 0), 'cost', coalesce(sum(cost_usd), 0)::numeric,
  'times', count(response_time_ms), 'time_sum', coalesce(round(sum(response_time_ms)), 0))`;

/** All sums, by model and complexity, that follow from the distinct events and that the consumer has made of them. */
async function compare(pool: Pool) {
  const { rows } = await pool.query<{
    sent: { cells: unknown; events: number; decisions: number; evidence: number };
    copies: number;
    records: unknown;
    metrics: unknown;
    evidence: number;
    evidence_time: number;
    processed: number;
    sketched: number;
    tallied: number;
    explained: number;
    dead: number;
  }>(`
    with event as (
      select distinct on (message ->> 'event_id') message ->> 'event_id' as id, decision.*
      from sent, jsonb_to_record(message -> 'routing_decision') as decision (decision_id uuid, selected_model text,
        complexity text, outcome text, input_tokens bigint, output_tokens bigint, cost_usd float8, response_time_ms int)
    ), attempt as (
      select decision_id, min(selected_model) as model, min(complexity) as complexity,
        coalesce(min(outcome) filter (where outcome <> 'routed'), 'routed') as outcome,
        sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens, sum(cost_usd) as cost_usd,
        sum(response_time_ms) as response_time_ms
      from event group by decision_id
    ), cell as (select model, complexity, ${sums} as sums from attempt group by 1, 2)
    select
      (select count(*)::int from sent) as copies,
      jsonb_build_object(
        'cells', (select jsonb_object_agg(model || ' ' || complexity, sums) from cell),
        'events', (select count(*) from event), 'decisions', (select count(*) from attempt),
        'evidence', (select count(*) from attempt where outcome in ('success', 'failure', 'timeout'))) as sent,
      (select jsonb_object_agg(model || ' ' || complexity, sums) from (
        select model, complexity, ${sums} as sums from routing_records group by 1, 2) as counted) as records,
      (select jsonb_object_agg(model_name || ' ' || complexity_level, jsonb_build_object(
        'records', routed_count, 'success', success_count, 'failure', failure_count, 'timeout', timeout_count,
        'cancelled', cancelled_count, 'input', input_tokens, 'output', output_tokens, 'cost', cost_usd::numeric,
        'times', response_time_count,
        'time_sum', coalesce(round(avg_response_time * response_time_count), 0))) from model_routing_metrics) as metrics,
      (select coalesce(sum(requests), 0)::int from evidence) as evidence,
      (select coalesce(sum(response_time_sum_ms), 0)::int from evidence) as evidence_time,
      (select count(*)::int from processed_events) as processed,
      (select coalesce(sum(count), 0)::int from model_latency_sketches) as sketched,
      (select coalesce(sum(decisions), 0)::int from decision_tallies) as tallied,
      (select count(*)::int from routing_records where explanation is not null) as explained,
      (select count(*)::int from pgmq.q_${decisionsQueue}_dlq) as dead`);
  const [row] = rows;
  if (row === undefined) throw new Error('nothing to compare');
  const { cells, events, decisions, evidence } = row.sent;
  const times = Object.values(cells as Record<string, { times: number; time_sum: number }>);
  const { rows: choices } = await pool.query<{ count: number }>(
    `select count(distinct message ->> 'event_id')::int as count from sent
     where message -> 'routing_decision' ->> 'outcome' = 'routed'`,
  );
  return {
    sent: {
      events,
      copies: row.copies,
      sums: {
        records: cells,
        metrics: cells,
        evidence,
        evidenceTime: times.reduce((sum, each) => sum + each.time_sum, 0),
        processed: events,
        sketched: times.reduce((sum, each) => sum + each.times, 0),
        tallied: decisions,
        explained: choices[0]?.count,
        dead: 0,
      },
    },
    counted: {
      records: row.records,
      metrics: row.metrics,
      evidence: row.evidence,
      evidenceTime: row.evidence_time,
      processed: row.processed,
      sketched: row.sketched,
      tallied: row.tallied,
      explained: row.explained,
      dead: row.dead,
    },
  };
}
