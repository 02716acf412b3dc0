import { decisionsQueue } from '../../contracts/event.ts';
import type { Executor } from '../postgres/pool.ts';
import { isLiveInstance } from './instances.ts';
import { countWaiting } from '../postgres/pgmq.ts';

/** What an open dashboard shows of the moment. Sums are of clients' requests of this minute and the one before. */
export interface Pulse {
  /** By the clock of the database. */
  at: Date;
  /** Since the beginning of the minute before. */
  seconds: number;
  requests: number;
  answers: number;
  requestsEnded: number;
  requestsLeft: number;
  /** Of all calls. */
  costUsd: number;
  newestDecisionAt: Date | null;
  /** When the newest event was counted. */
  newestEventAt: Date | null;
  waitingEvents: number;
  openIncidents: number;
  /** Differs as soon as an incident was opened, went on or was closed. */
  incidentsMark: string;
  /** Differs as soon as an instance came, went, or fell silent. */
  instancesMark: string;
}

interface Row {
  at: Date;
  seconds: number;
  requests: number;
  answers: number;
  requests_ended: number;
  requests_left: number;
  cost_usd: number;
  newest_decision_at: Date | null;
  newest_event_at: Date | null;
  open_incidents: number;
  incidents_mark: string | null;
  instances_mark: string | null;
}

export async function readPulse(db: Executor): Promise<Pulse> {
  const { rows } = await db.query<Row>({
    name: 'pulse',
    text: `with lately as (select date_trunc('minute', now()) - interval '1 minute' as since)
     select now() as at, extract(epoch from now() - since)::float8 as seconds, traffic.*,
       (select timestamp from routing_records where timestamp <= now() order by timestamp desc limit 1) as newest_decision_at,
       (select max(processed_at) from processed_events) as newest_event_at,
       incidents.*, instances.*
     from lately,
       lateral (
         select coalesce(sum(requests), 0)::float8 as requests,
           coalesce(sum(answers) filter (where kind = 'request'), 0)::float8 as answers,
           coalesce(sum(requests_ended), 0)::float8 as requests_ended,
           coalesce(sum(requests_left), 0)::float8 as requests_left, coalesce(sum(cost_usd), 0)::float8 as cost_usd
         from traffic_minutes where minute >= since
       ) as traffic,
       lateral (
         select (count(*) filter (where closed_at is null))::integer as open_incidents,
           count(*) || ' ' || max(greatest(last_alarm_at, closed_at)) as incidents_mark
         from incidents
       ) as incidents,
       lateral (
         select md5(string_agg(instance_id || (${isLiveInstance}), ',' order by instance_id))
           as instances_mark
         from instances
       ) as instances`,
  });
  const [row] = rows;
  if (row === undefined) throw new Error('one row was expected');
  const { length } = await countWaiting(db, decisionsQueue);
  return {
    at: row.at,
    seconds: row.seconds,
    requests: row.requests,
    answers: row.answers,
    requestsEnded: row.requests_ended,
    requestsLeft: row.requests_left,
    costUsd: row.cost_usd,
    newestDecisionAt: row.newest_decision_at,
    newestEventAt: row.newest_event_at,
    waitingEvents: length,
    openIncidents: row.open_incidents,
    incidentsMark: row.incidents_mark ?? '',
    instancesMark: row.instances_mark ?? '',
  };
}
