import type { Chart, ChartConfiguration, Plugin } from 'chart.js';
import { useRef } from 'preact/hooks';
import { axis, ChartFrame, commonOptions } from './chart-frame.tsx';
import { type ChartColors, readColors, seriesColor } from './colors.ts';

export interface NamedPoint {
  name: string;
  x: number;
  y: number;
  isFilled: boolean;
  /** Whether the line goes through it. */
  isOnLine: boolean;
}

interface ScatterChartProps {
  title: string;
  xTitle: string;
  yTitle: string;
  points: readonly NamedPoint[];
  formatX(value: number): string;
  formatY(value: number): string;
  /** What the line is. */
  line: string;
}

/** Named points, with a line through some of them; the horizontal axis is logarithmic. */
export function ScatterChart({ title, xTitle, yTitle, points, formatX, formatY, line }: ScatterChartProps) {
  // A logarithm has no place for what is free.
  const least = Math.min(...points.map(({ x }) => x).filter((x) => x > 0), 1);
  const placed = points.map((point) => ({ ...point, x: Math.max(point.x, least / 10) }));
  const onLine = placed.filter(({ isOnLine }) => isOnLine).sort((a, b) => a.x - b.x);

  // The picture is made once and outlives this drawing: it asks for the names that hold then.
  const current = useRef<readonly NamedPoint[]>(placed);
  current.current = placed;

  function configure(colors: ChartColors): ChartConfiguration<'scatter'> {
    const common = commonOptions(colors);
    const color = seriesColor(colors, 0);
    return {
      type: 'scatter',
      data: {
        datasets: [
          {
            data: placed.map(({ x, y }) => ({ x, y })),
            pointRadius: 5.5,
            pointHoverRadius: 7,
            pointBorderWidth: 2,
            pointBorderColor: color,
            pointBackgroundColor: placed.map(({ isFilled }) => (isFilled ? color : colors.ground)),
          },
          {
            data: onLine.map(({ x, y }) => ({ x, y })),
            showLine: true,
            pointRadius: 0,
            pointHitRadius: 0,
            borderColor: color,
            borderDash: [5, 4],
            borderWidth: 1.5,
          },
        ],
      },
      options: {
        ...common,
        layout: { padding: { top: 18, right: 90 } },
        scales: {
          x: { ...axis(colors, xTitle, formatX), type: 'logarithmic' },
          y: { ...axis(colors, yTitle, formatY), grace: '10%' },
        },
        plugins: {
          tooltip: {
            ...common.plugins.tooltip,
            filter: ({ datasetIndex }) => datasetIndex === 0,
            callbacks: {
              label: ({ dataIndex }) => {
                const point = points[dataIndex];
                return point === undefined ? '' : `${point.name}: ${formatY(point.y)}, ${formatX(point.x)}`;
              },
            },
          },
        },
      },
      plugins: [namesBeside(() => current.current)],
    };
  }

  const names = onLine.map(({ name }) => name).join(', ');
  return (
    <ChartFrame
      title={title}
      isTall
      summary={`${title}: ${points.length} models. ${line}, from the cheapest to the best: ${names}.`}
      legend={[]}
      table={{
        head: ['Model', yTitle, xTitle, line],
        rows: points.map((point) => [point.name, formatY(point.y), formatX(point.x), point.isOnLine ? 'yes' : 'no']),
      }}
      version={JSON.stringify([points, title])}
      configure={configure}
    />
  );
}

/** Writes the name of each point beside it, unless another name is there already. */
function namesBeside(current: () => readonly NamedPoint[]): Plugin<'scatter'> {
  const lineHeight = 13;
  return {
    id: 'names',
    afterDatasetsDraw(chart: Chart) {
      const { ctx } = chart;
      const points = current();
      const taken: Array<{ left: number; right: number; y: number }> = [];
      ctx.save();
      ctx.fillStyle = readColors(chart.canvas).text;
      ctx.font = '12px system-ui, sans-serif';
      ctx.textBaseline = 'middle';
      for (const [index, { x, y }] of chart.getDatasetMeta(0).data.entries()) {
        const name = points[index]?.name ?? '';
        const left = x + 10;
        const right = left + ctx.measureText(name).width;
        if (taken.some((other) => left < other.right && right > other.left && Math.abs(other.y - y) < lineHeight))
          continue;
        ctx.fillText(name, left, y);
        taken.push({ left, right, y });
      }
      ctx.restore();
    },
  };
}
