import type { RecordOutcome } from '../../contracts/event.ts';
import type { Executor } from '../postgres/pool.ts';
import { isoTimestamp, type RoutingRecord, selected } from './routing-records.ts';

/** A record as a page of decisions shows it. */
export interface ListedRecord extends RoutingRecord {
  updated_at: string;
}

/** What is looked for; all conditions hold together. Names are those of the columns, times ISO 8601. */
export interface RecordFilter {
  since?: string | undefined;
  /** Before this time. */
  until?: string | undefined;
  model?: string | undefined;
  provider?: string | undefined;
  requested_model?: string | undefined;
  complexity?: string | undefined;
  query_type?: string | undefined;
  origin?: string | undefined;
  outcome?: RecordOutcome | undefined;
  /** Only failures and timeouts. */
  errors?: boolean | undefined;
  min_cost_usd?: number | undefined;
  min_latency_ms?: number | undefined;
  instance_id?: string | undefined;
  decision_id?: string | undefined;
}

export interface RecordPage {
  records: ListedRecord[];
  /** Where the next page goes on: pass it as `before`; null at the end. */
  next: string | null;
  /** The time to which this page came back, ISO 8601; null: to the end. */
  searchedUntil: string | null;
}

/** Records that one page looks at, at the most: so no question takes long, whatever is looked for. */
const mostLookedAt = 10_000;
/** Of those that did not end well: between them lie so many others that each is on a page of its own. */
const mostRareLookedAt = 2000;

/** As the index of the few records that did not end well says it, word for word. */
const notAnswered = `outcome in ('failure', 'timeout', 'cancelled', 'unknown')`;

/**
 * Records by falling time, at most `limit`, of a bounded number that is looked at. `before` is where the page before ended;
 * undefined for a cursor that no page has given. `explain` adds the explanations.
 */
export async function listRecords(
  db: Executor,
  filter: RecordFilter,
  page: { before?: string | undefined; limit: number; explain?: boolean | undefined },
): Promise<RecordPage | undefined> {
  const before = page.before === undefined ? undefined : readCursor(page.before);
  if (page.before !== undefined && before === undefined) return undefined;
  const { rows } = await db.query<ListedRecord & { id: string; is_match: boolean; is_last: boolean }>(
    pageStatement(filter, page.explain ?? false),
    [
      before?.timestamp,
      before?.id,
      filter.since,
      filter.until,
      filter.decision_id,
      filter.model,
      filter.provider,
      filter.requested_model,
      filter.complexity,
      filter.query_type,
      filter.origin,
      filter.outcome,
      filter.errors,
      filter.min_cost_usd,
      filter.min_latency_ms,
      filter.instance_id,
      page.limit,
    ],
  );
  const last = rows.at(-1);
  const isCut = last !== undefined && (rows.length === page.limit || !last.is_match || last.is_last);
  return {
    records: rows
      .filter((row) => row.is_match)
      .map(({ id: _id, is_match: _isMatch, is_last: _isLast, ...record }) => record),
    next: isCut ? writeCursor(last.timestamp, last.id) : null,
    searchedUntil: isCut ? last.timestamp : null,
  };
}

/** Whether any decision is recorded. */
export async function hasRecords(db: Executor): Promise<boolean> {
  const { rows } = await db.query<{ found: boolean }>('select exists (select from routing_records) as found');
  return rows[0]?.found ?? false;
}

/** Reads by time, and stops at the last match of the page or at the last record that it may look at, which it returns too. */
function pageStatement(filter: RecordFilter, explain: boolean): string {
  const isRare =
    filter.errors === true || (filter.outcome !== undefined && !['success', 'routed'].includes(filter.outcome));
  const most = isRare ? mostRareLookedAt : mostLookedAt;
  return `
    select ${selected}, id, ${isoTimestamp('updated_at')} as updated_at, features,
      ${explain ? 'explanation' : 'null as explanation'}, is_match, is_last
    from (
      select key_time, key_decision, key_attempt, is_match, position = ${most} as is_last
      from (
        -- Few and short columns, for most of what is looked at is thrown away.
        select key_time, key_id, key_decision, key_attempt, is_match, row_number() over (order by key_time desc, key_id desc) as position
        from (
          select timestamp as key_time, decision_id as key_decision, attempt as key_attempt, id as key_id, coalesce(
              ($6::text is null or model = $6) and ($7::text is null or provider = $7)
              and ($8::text is null or requested_model = $8) and ($9::text is null or complexity = $9)
              and ($10::text is null or query_type = $10) and ($11::text is null or origin = $11)
              and ($12::text is null or outcome = $12)
              and ($13::boolean is not true or outcome in ('failure', 'timeout'))
              and ($14::float8 is null or cost_usd >= $14) and ($15::float8 is null or response_time_ms >= $15)
              and ($16::text is null or instance_id = $16), false) as is_match
          from routing_records
          where ($1::timestamptz is null or timestamp <= $1)
            and ($1::timestamptz is null or (timestamp, id) < ($1, $2::bigint))
            and ($3::timestamptz is null or timestamp >= $3)
            and ($4::timestamptz is null or timestamp < $4)
            and ($5::uuid is null or decision_id = $5)
            ${isRare ? `and ${notAnswered}` : ''}
          order by timestamp desc, id desc
          limit ${most}
        ) as looked_at
      ) as numbered
      where is_match or position = ${most}
      -- Not by position: then the planner knows that it is sorted already, and stops at the limit.
      order by key_time desc, key_id desc
      limit $17
    ) as found
    join routing_records on timestamp = key_time and decision_id = key_decision and attempt = key_attempt
    order by routing_records.timestamp desc, id desc`;
}

function writeCursor(timestamp: string, id: string): string {
  return Buffer.from(`${timestamp} ${id}`).toString('base64url');
}

function readCursor(cursor: string): { timestamp: string; id: string } | undefined {
  const text = Buffer.from(cursor, 'base64url').toString();
  const [, timestamp, id] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) (\d{1,18})$/.exec(text) ?? [];
  if (timestamp === undefined || id === undefined || Number.isNaN(Date.parse(timestamp))) return undefined;
  return { timestamp, id };
}
