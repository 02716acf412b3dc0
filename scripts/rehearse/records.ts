import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { decisionsQueue } from '../../src/contracts/event.ts';
import { sleep } from '../../src/platform/core/clock.ts';
import type { Pool } from '../../src/platform/postgres/pool.ts';
import { decisionsDeadLetterQueue } from '../../src/platform/postgres/queues.ts';
import type { Sent } from './load.ts';

const settleMs = 120_000;

/** Waits until nothing is on its way to the records any more. Returns what still is after two minutes. */
export async function untilSettled(pool: Pool, dataDirs: readonly string[]): Promise<string[]> {
  const endsAt = Date.now() + settleMs;
  for (;;) {
    // In the order in which events go: one that is sent between the two looks is seen by the second.
    const left = [...(await filesLeft(dataDirs)), ...(await messagesLeft(pool))];
    if (left.length === 0 || Date.now() > endsAt) return left;
    await sleep(500);
  }
}

async function messagesLeft(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ queue: string; length: number }>(
    [decisionsQueue, decisionsDeadLetterQueue]
      .map((queue) => `select '${queue}' as queue, count(*)::int as length from pgmq.q_${queue}`)
      .join(' union all '),
  );
  return rows.filter(({ length }) => length > 0).map(({ queue, length }) => `${length} messages in ${queue}`);
}

/** Events that routers hold: each is in a file of a journal or an outbox. The folder of a journal is there while its process lives. */
async function filesLeft(dataDirs: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    dataDirs.map((folder) =>
      readdir(path.join(folder, 'outbox'), { recursive: true, withFileTypes: true }).catch(() => []),
    ),
  );
  return found.flat().flatMap((entry) => (entry.isFile() ? [path.join(entry.parentPath, entry.name)] : []));
}

export interface Comparison {
  /** Complete answers that clients have. */
  answers: number;
  /** Those of them that no record tells as a success, with what records tell instead. */
  missing: Array<Sent & { recorded: string }>;
  /** Those that are recorded as a success more than once. */
  repeated: number;
  /** Cells of the statistics whose sums are not those of the records. */
  miscounted: number;
}

/** Compares what clients got with what was recorded, and that with what was counted of it. */
export async function compareRecords(pool: Pool, sent: readonly Sent[]): Promise<Comparison> {
  const answers = sent.filter(({ failure }) => failure === null);
  const { rows } = await pool.query<{ decision_id: string; outcomes: string[] }>(
    `select decision_id, array_agg(outcome::text) as outcomes from routing_records group by 1`,
  );
  const recorded = new Map(rows.map((row) => [row.decision_id, row.outcomes]));
  const successes = ({ decisionId }: Sent): number =>
    recorded.get(decisionId ?? '')?.filter((outcome) => outcome === 'success').length ?? 0;
  const { rows: cells } = await pool.query(
    `select from (
       select model, complexity, count(*) filter (where outcome = 'success') as success, coalesce(sum(output_tokens), 0) as output
       from routing_records group by 1, 2
     ) as recorded
     full join model_routing_metrics on model_name = model and complexity_level = complexity
     where (success, output) is distinct from (success_count, output_tokens)`,
  );
  return {
    answers: answers.length,
    missing: answers
      .filter((answer) => successes(answer) === 0)
      .map((answer) => ({ ...answer, recorded: recorded.get(answer.decisionId ?? '')?.join() ?? 'nothing' })),
    repeated: answers.filter((answer) => successes(answer) > 1).length,
    miscounted: cells.length,
  };
}
