import type { ChartConfiguration } from 'chart.js';
import { unknown } from '../format/numbers.ts';
import { axisTime, shortTime } from '../format/times.ts';
import { axis, ChartFrame, commonOptions } from './chart-frame.tsx';
import { timeTicks } from './time-ticks.ts';
import { type ChartColors, faint, seriesColor } from './colors.ts';

export interface Point {
  atMs: number;
  /** Null where nothing was measured: the line has a gap. */
  value: number | null;
  /** What the value may be as well. */
  interval?: readonly [number, number] | null;
}

export interface Series {
  name: string;
  points: readonly Point[];
}

/** The time that is shown. */
export interface Span {
  sinceMs: number;
  untilMs: number;
}

interface TimeChartProps extends Span {
  title: string;
  series: readonly Series[];
  format(value: number): string;
  /** The value holds until the next one, instead of being on its way there. */
  isStepped?: boolean;
  /** Bounds of the values; from 0 on and as high as needed where they are not said. */
  bounds?: readonly [number, number];
}

/** Numbers over time. */
export function TimeChart({ title, series, format, sinceMs, untilMs, isStepped = false, bounds }: TimeChartProps) {
  function configure(colors: ChartColors): ChartConfiguration<'line'> {
    const spanMs = untilMs - sinceMs;
    const lines = series.map(({ name, points }, index) => {
      const color = seriesColor(colors, index);
      return {
        label: name,
        data: points.map(({ atMs, value }) => ({ x: atMs, y: value })),
        borderColor: color,
        backgroundColor: faint(color),
        borderWidth: 1.75,
        borderDash: index === 0 ? [] : [6, 2 * index],
        pointRadius: points.map((_, at) => (isStepped || isAlone(points, at) ? 2.5 : 0)),
        pointHitRadius: 12,
        pointBackgroundColor: color,
        stepped: isStepped,
        fill: series.length === 1 && (bounds?.[0] ?? 0) === 0 && !points.some(({ interval }) => interval != null),
      };
    });
    const bands = series.flatMap(({ name, points }, index) =>
      points.some(({ interval }) => interval != null)
        ? ([0, 1] as const).map((end) => ({
            label: `${name}, interval`,
            data: points.map(({ atMs, interval }) => ({ x: atMs, y: interval?.[end] ?? null })),
            borderWidth: 0,
            pointRadius: 0,
            pointHitRadius: 0,
            stepped: isStepped,
            backgroundColor: faint(seriesColor(colors, index)),
            fill: end === 0 ? false : '-1',
          }))
        : [],
    );
    const common = commonOptions(colors);
    return {
      type: 'line',
      data: { datasets: [...lines, ...bands] },
      options: {
        ...common,
        interaction: { mode: 'nearest', axis: 'x', intersect: false },
        scales: {
          x: {
            ...axis(colors, '', (value) => axisTime(value, spanMs)),
            type: 'linear',
            afterBuildTicks: (scale) => {
              scale.ticks = timeTicks(sinceMs, untilMs).map((value) => ({ value }));
            },
            min: sinceMs,
            max: untilMs,
          },
          y: {
            ...axis(colors, '', format),
            ...(bounds === undefined ? { beginAtZero: true } : { min: bounds[0], max: bounds[1] }),
          },
        },
        plugins: {
          tooltip: {
            ...common.plugins.tooltip,
            filter: ({ datasetIndex }) => datasetIndex < series.length,
            callbacks: {
              title: ([item]) => shortTime(item?.parsed.x ?? null),
              label: ({ dataset, parsed }) =>
                `${dataset.label ?? ''}: ${parsed.y === null ? unknown : format(parsed.y)}`,
            },
          },
        },
      },
    };
  }

  return (
    <ChartFrame
      title={title}
      summary={summaryOf(title, series, format)}
      legend={series.map(({ name }) => name)}
      table={tableOf(series, format)}
      version={JSON.stringify([series, sinceMs, untilMs, bounds])}
      configure={configure}
    />
  );
}

/** Whether no line leads to a point, so that only a dot can show it. */
function isAlone(points: readonly Point[], at: number): boolean {
  return (points[at - 1]?.value ?? null) === null && (points[at + 1]?.value ?? null) === null;
}

function summaryOf(title: string, series: readonly Series[], format: (value: number) => string): string {
  const parts = series.map(({ name, points }) => {
    const values = points.flatMap(({ value }) => (value === null ? [] : [value]));
    const newest = values.at(-1);
    return newest === undefined
      ? `${name}: nothing measured`
      : `${name}: from ${format(Math.min(...values))} to ${format(Math.max(...values))}, last ${format(newest)}`;
  });
  return `${title}. ${parts.join('. ')}.`;
}

function tableOf(series: readonly Series[], format: (value: number) => string) {
  const times = [...new Set(series.flatMap(({ points }) => points.map(({ atMs }) => atMs)))].sort((a, b) => b - a);
  const values = series.map(({ points }) => new Map(points.map(({ atMs, value }) => [atMs, value])));
  return {
    head: ['Time', ...series.map(({ name }) => name)],
    rows: times.map((atMs) => [
      shortTime(atMs),
      ...values.map((of) => {
        const value = of.get(atMs) ?? null;
        return value === null ? unknown : format(value);
      }),
    ]),
  };
}
