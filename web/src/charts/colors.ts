/** Colours of the theme, as a canvas takes them. */
export interface ChartColors {
  text: string;
  line: string;
  ground: string;
  series: readonly string[];
}

export function readColors(element: Element): ChartColors {
  const style = getComputedStyle(element);
  const read = (name: string): string => style.getPropertyValue(name).trim();
  return {
    text: read('--text-dim'),
    line: read('--line'),
    ground: read('--ground-raised'),
    series: ['--series-1', '--series-2', '--series-3', '--series-4'].map(read),
  };
}

/** One of the series’ colours; they come round again after the last. */
export function seriesColor({ series, text }: ChartColors, index: number): string {
  return series[index % series.length] ?? text;
}

/** The same colour, see-through. */
export function faint(color: string): string {
  return `color-mix(in srgb, ${color} 16%, transparent)`;
}
