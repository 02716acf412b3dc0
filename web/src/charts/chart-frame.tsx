import type { Chart, ChartConfiguration, ChartType } from 'chart.js';
import { useEffect, useId, useRef } from 'preact/hooks';
import { useThemeChanges } from '../theme.ts';
import { type ChartColors, readColors } from './colors.ts';

interface ChartFrameProps<T extends ChartType> {
  title: string;
  /** What the picture shows, in a sentence, for who does not see it. */
  summary: string;
  /** Names of the series, in the order of their colours. */
  legend: readonly string[];
  /** The same numbers as text. */
  table: { head: readonly string[]; rows: ReadonlyArray<readonly string[]> };
  isTall?: boolean;
  /** Changes whenever what is drawn does. */
  version: string;
  configure(colors: ChartColors): ChartConfiguration<T>;
}

/** A picture with its legend, and the same facts as words and, on demand, as a table. */
export function ChartFrame<T extends ChartType>({
  title,
  summary,
  legend,
  table,
  isTall = false,
  version,
  configure,
}: ChartFrameProps<T>) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const chart = useRef<Chart<T> | undefined>(undefined);
  const wanted = useRef(configure);
  const themeChanges = useThemeChanges();
  const captionId = useId();
  wanted.current = configure;

  // The charts’ code comes after the first view: numbers are there before pictures.
  useEffect(() => {
    let isGone = false;
    async function draw(): Promise<void> {
      const { Chart: Drawn } = await import('./drawing.ts');
      if (isGone || canvas.current === null) return;
      chart.current = new Drawn(canvas.current, wanted.current(readColors(canvas.current)));
    }
    void draw();
    return () => {
      isGone = true;
      chart.current?.destroy();
      chart.current = undefined;
    };
  }, []);

  useEffect(() => {
    if (chart.current === undefined || canvas.current === null) return;
    const { data, options } = wanted.current(readColors(canvas.current));
    chart.current.data = data;
    if (options !== undefined) chart.current.options = options;
    chart.current.update('none');
  }, [version, themeChanges]);

  return (
    <figure class={isTall ? 'chart tall' : 'chart'} aria-labelledby={captionId}>
      <figcaption id={captionId}>
        <span class="chart-title">{title}</span>
        {legend.length < 2 ? null : (
          <span class="legend">
            {legend.map((name, index) => (
              <span key={name} class={`legend-entry series-${(index % 4) + 1}`}>
                {name}
              </span>
            ))}
          </span>
        )}
      </figcaption>
      <div class="chart-canvas">
        <canvas ref={canvas} role="img" aria-label={summary} />
      </div>
      <details>
        <summary>As a table</summary>
        <p>{summary}</p>
        <div class="table-frame" role="region" aria-label={`${title}, as a table`} tabIndex={0}>
          <table>
            <caption class="visually-hidden">{title}</caption>
            <thead>
              <tr>
                {table.head.map((head) => (
                  <th key={head} scope="col">
                    {head}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {table.rows.map((row) => (
                <tr key={row.join('\t')}>
                  {row.map((cell, index) => (
                    <td key={table.head[index]}>{cell}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}

/** What all charts have in common: calm, without motion, in the colours of the theme. */
export function commonOptions(colors: ChartColors) {
  return {
    animation: false,
    maintainAspectRatio: false,
    responsive: true,
    layout: { padding: { top: 8, right: 8 } },
    plugins: {
      tooltip: {
        backgroundColor: colors.ground,
        titleColor: colors.text,
        bodyColor: colors.text,
        borderColor: colors.line,
        borderWidth: 1,
        displayColors: false,
      },
    },
  } as const;
}

export function axis(colors: ChartColors, title: string, format: (value: number) => string) {
  return {
    border: { display: false },
    grid: { color: colors.line },
    title: { display: title !== '', text: title, color: colors.text },
    ticks: {
      color: colors.text,
      maxTicksLimit: 6,
      maxRotation: 0,
      callback: (value: number | string) => format(Number(value)),
    },
  };
}
