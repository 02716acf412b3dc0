import { milliseconds, percent } from '../format/numbers.ts';
import { rateBounds } from './bounds.ts';
import { type Point, type Span, TimeChart } from './time-chart.tsx';

interface Answers {
  /** ISO 8601. */
  at: string;
  /** 0 to 1; null where nothing was asked. */
  success_rate: number | null;
  first_token_ms: { p50: number; p95: number } | null;
}

interface AnswerChartsProps extends Span {
  series: readonly Answers[];
}

/** How often there was an answer, and how soon it began. */
export function AnswerCharts({ series, ...span }: AnswerChartsProps) {
  const points = (of: (answers: Answers) => number | null): Point[] =>
    series.map((answers) => ({ atMs: Date.parse(answers.at), value: of(answers) }));
  const rates = points(({ success_rate: rate }) => rate);
  return (
    <>
      <TimeChart
        title="Success rate"
        series={[{ name: 'Success rate', points: rates }]}
        format={percent}
        bounds={rateBounds(rates)}
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
    </>
  );
}
