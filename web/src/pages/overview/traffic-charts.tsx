import type { Overview, Traffic } from '../../../../src/contracts/dashboard.ts';
import { AnswerCharts } from '../../charts/answer-charts.tsx';
import { type Point, TimeChart } from '../../charts/time-chart.tsx';
import { Panel } from '../../components/page.tsx';
import { count, seconds, usd } from '../../format/numbers.ts';

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
        <AnswerCharts series={series} {...span} />
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
