import type { QueryConfig, QueryResult, QueryResultRow } from 'pg';
import type { Executor, Pool } from '../../src/platform/postgres/pool.ts';

/** One statement as the database ran it. */
export interface Seen {
  text: string;
  /** In the database alone. */
  ms: number;
  /** Rows that were taken from tables and indexes, those that a filter threw away included. */
  rowsRead: number;
  /** Pages of 8 KiB, from memory or from disk. */
  pages: number;
}

interface PlanNode {
  'Node Type': string;
  'Actual Rows'?: number;
  'Actual Loops'?: number;
  'Rows Removed by Filter'?: number;
  'Rows Removed by Index Recheck'?: number;
  'Shared Hit Blocks'?: number;
  'Shared Read Blocks'?: number;
  Plans?: PlanNode[];
}

/** An executor that explains every statement before it runs it. */
export function lookOn(pool: Pool): { db: Executor; seen: Seen[] } {
  const seen: Seen[] = [];
  const db: Executor = {
    async query<R extends QueryResultRow>(query: string | QueryConfig, values?: unknown[]): Promise<QueryResult<R>> {
      const text = typeof query === 'string' ? query : query.text;
      const given = typeof query === 'string' ? values : query.values;
      const { rows } = await pool.query<{
        'QUERY PLAN': Array<{ Plan: PlanNode; 'Execution Time': number; 'Planning Time': number }>;
      }>(`explain (analyze, buffers, format json) ${text}`, given);
      const [plan] = rows[0]?.['QUERY PLAN'] ?? [];
      if (plan === undefined) throw new Error('no plan came back');
      seen.push({
        text: text.replaceAll(/\s+/g, ' ').trim(),
        ms: plan['Execution Time'] + plan['Planning Time'],
        rowsRead: rowsReadBy(plan.Plan),
        pages: (plan.Plan['Shared Hit Blocks'] ?? 0) + (plan.Plan['Shared Read Blocks'] ?? 0),
      });
      return pool.query<R>(text, given);
    },
  };
  return { db, seen };
}

function rowsReadBy(node: PlanNode): number {
  const children = (node.Plans ?? []).reduce((sum, child) => sum + rowsReadBy(child), 0);
  if (!node['Node Type'].includes('Scan') || node['Node Type'].startsWith('Subquery')) return children;
  const rows =
    (node['Actual Rows'] ?? 0) + (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0);
  return children + Math.round(rows * (node['Actual Loops'] ?? 1));
}
