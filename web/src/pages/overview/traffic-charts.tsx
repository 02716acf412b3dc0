import type { Overview, Traffic } from '../../../../src/contracts/dashboard.ts';
import { rateBounds } from '../../charts/bounds.ts';
import { type Point, TimeChart } from '../../charts/time-chart.tsx';
import { Panel } from '../../components/page.tsx';
import { count, milliseconds, percent, seconds, usd } from '../../format/numbers.ts';

/** How the totals came about. */
export function TrafficCharts({ overview }: { overview: Overview }) {
  const { series, bucket_seconds: bucketSeconds } = overview;
  const span = { sinceMs: Date.parse(overview.since), untilMs: Date.parse(overview.until) };
  const points = (of: (traffic: Traffic) => number | null): Point[] =>
    series.map((traffic) => ({ atMs: Date.parse(traffic.at), value: of(traffic) }));
  return (
    <Panel title="Over time" note={`Each point stands for ${seconds(bucketSeconds)}; the last one is not over yet.`}>
      <div class="columns charts">
        <TimeChart
          title="Requests"
          series={[{ name: 'Requests', points: points(({ requests }) => requests) }]}
          format={count}
          {...span}
        />
        <TimeChart
          title="Success rate"
          series={[{ name: 'Success rate', points: points(({ success_rate: rate }) => rate) }]}
          format={percent}
          bounds={rateBounds(points(({ success_rate: rate }) => rate))}
          {...span}
        />
        <TimeChart
          title="Time to the first token"
          series={[
            { name: 'p50', points: points(({ first_token_ms: ms }) => ms?.p50 ?? null) },
            { name: 'p95', points: points(({ first_token_ms: ms }) => ms?.p95 ?? null) },
          ]}
          format={milliseconds}
          {...span}
        />
        <TimeChart
          title="Spend"
          series={[{ name: 'Spend', points: points(({ cost_usd: costUsd }) => costUsd) }]}
          format={usd}
          {...span}
        />
      </div>
    </Panel>
  );
}
