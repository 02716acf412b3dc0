import type { Executor } from '../postgres/pool.ts';

/** What a call was made for. `choice`: the chosen model of an automatic request; `copy`, `judge`: nobody asked for it. */
export type Purpose = 'choice' | 'fallback' | 'hedge' | 'copy' | 'judge';

/** Calls of one model for one purpose, as the columns are named. Costs in USD. */
export interface Spending {
  purpose: Purpose;
  provider: string;
  model: string;
  complexity: string;
  answers: number;
  input_tokens: number;
  cached_input_tokens: number;
  output_tokens: number;
  unpriced_answers: number;
  cost_usd: number;
  unused_usd: number;
  explored: number;
  exploration_usd: number;
}

/** What a batch of events adds to an hour. */
export interface SpendingChange extends Spending {
  /** Its beginning. */
  hour: string;
}

const keys = 'hour, purpose, provider, model, complexity';
const sums = [
  'answers',
  'input_tokens',
  'cached_input_tokens',
  'output_tokens',
  'unpriced_answers',
  'cost_usd',
  'unused_usd',
  'explored',
  'exploration_usd',
];

/** Adds to the hours, at most one change for each key, in the order of the keys. */
export async function addSpending(db: Executor, changes: readonly SpendingChange[]): Promise<void> {
  if (changes.length === 0) return;
  await db.query({
    name: 'add-spending',
    text: `insert into spending as known (${keys}, ${sums.join(', ')})
     select ${keys}, ${sums.join(', ')} from jsonb_populate_recordset(null::spending, $1::jsonb)
     order by ${keys}
     on conflict (${keys}) do update set ${sums.map((sum) => `${sum} = known.${sum} + excluded.${sum}`).join(', ')}`,
    values: [JSON.stringify(changes)],
  });
}

/** Sums of the hours that begin at `since` or later, ISO 8601. */
export async function readSpending(db: Executor, since: string): Promise<Spending[]> {
  const { rows } = await db.query<Spending>(
    `select purpose, provider, model, complexity, ${sums.map((sum) => `sum(${sum})::float8 as ${sum}`).join(', ')}
     from spending where hour >= $1 group by purpose, provider, model, complexity
     order by purpose, provider, model, complexity`,
    [since],
  );
  return rows;
}

/** What the answers of one model to automatic requests of one complexity took and cost. */
export interface AnswerCosts {
  provider: string;
  model: string;
  complexity: string;
  answers: number;
  input_tokens: number;
  output_tokens: number;
  /** Of all calls, also of those that brought no answer. */
  cost_usd: number;
}

/** By provider, model and complexity, of the hours that begin at `since` or later; those without an answer are left out. */
export async function readAnswerCosts(db: Executor, since: Date): Promise<AnswerCosts[]> {
  const { rows } = await db.query<AnswerCosts>(
    `select provider, model, complexity, sum(answers)::float8 as answers, sum(input_tokens)::float8 as input_tokens,
       sum(output_tokens)::float8 as output_tokens, sum(cost_usd)::float8 as cost_usd
     from spending where hour >= $1 and purpose in ('choice', 'fallback', 'hedge')
     group by provider, model, complexity having sum(answers) > 0
     order by provider, model, complexity`,
    [since],
  );
  return rows;
}

/** Deletes up to `limit` hours older than `days`. Returns how many. */
export async function pruneSpending(db: Executor, days: number, limit: number): Promise<number> {
  const { rowCount } = await db.query(
    `delete from spending where ctid in (
       select ctid from spending where hour < now() - make_interval(days => $1) limit $2)`,
    [days, limit],
  );
  return rowCount ?? 0;
}
