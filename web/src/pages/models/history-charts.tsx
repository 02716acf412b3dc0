import type { ModelHistory } from '../../../../src/contracts/dashboard.ts';
import { AnswerCharts } from '../../charts/answer-charts.tsx';
import { scoreBounds, scoreLine } from '../../charts/bounds.ts';
import { type Point, type Series, type Span, TimeChart } from '../../charts/time-chart.tsx';
import { Panel } from '../../components/page.tsx';
import { count, score, seconds } from '../../format/numbers.ts';

/** How a model did over time, and what was learned of it. */
export function HistoryCharts({ history }: { history: ModelHistory }) {
  const span = { sinceMs: Date.parse(history.since), untilMs: Date.parse(history.until) };
  const points = (of: (entry: ModelHistory['series'][number]) => number | null): Point[] =>
    history.series.map((entry) => ({ atMs: Date.parse(entry.at), value: of(entry) }));
  const isUnchanged = Object.values(history.scores).every((steps) => steps.length === 0);
  return (
    <Panel title="History" note={`Traffic in steps of ${seconds(history.bucket_seconds)}.`}>
      <div class="columns charts">
        {isUnchanged ? (
          <p class="dim">Its scores did not change in this time.</p>
        ) : (
          <TimeChart
            title="Scores, with their intervals"
            series={scoreSeries(history, span)}
            format={score}
            isStepped
            bounds={scoreBounds(scoreSeries(history, span))}
            {...span}
          />
        )}
        <TimeChart
          title="Calls"
          series={[{ name: 'Calls', points: points(({ calls }) => calls) }]}
          format={count}
          {...span}
        />
        <AnswerCharts series={history.series} {...span} />
      </div>
    </Panel>
  );
}

/** Each score holds from the beginning of the picture to its end. */
function scoreSeries({ scores }: ModelHistory, { sinceMs, untilMs }: Span): Series[] {
  return (['simple', 'medium', 'complex'] as const).flatMap((name) => {
    const steps = scores[name].map((step) => ({ ...step, atMs: Date.parse(step.at), oldScore: step.old_score }));
    return steps.length === 0 ? [] : [{ name, points: scoreLine(steps, sinceMs, untilMs) }];
  });
}
