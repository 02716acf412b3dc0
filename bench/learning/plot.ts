const width = 860;
const height = 420;
const margin = { top: 40, right: 230, bottom: 50, left: 70 };
const colours = ['#0b6e4f', '#d1495b', '#30638e', '#8d6a9f'];

/** Cumulative regret of each policy over the run as an SVG picture, which reads on light and on dark pages. */
export function regretPlot(curves: ReadonlyMap<string, readonly number[]>, requests: number): string {
  const innerWidth = width - margin.left - margin.right;
  const innerHeight = height - margin.top - margin.bottom;
  const highest = niceCeiling(Math.max(...[...curves.values()].flat()));
  const x = (share: number): number => margin.left + share * innerWidth;
  const y = (regret: number): number => margin.top + innerHeight * (1 - regret / highest);
  const point = (value: number): string => value.toFixed(1);

  const grid = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const at = point(y(share * highest));
    return (
      `<line x1="${margin.left}" x2="${margin.left + innerWidth}" y1="${at}" y2="${at}" stroke="#999" stroke-opacity=".35"/>` +
      `<text x="${margin.left - 8}" y="${at}" text-anchor="end" dominant-baseline="middle">${share * highest}</text>`
    );
  });
  const ticks = [0, 0.2, 0.4, 0.6, 0.8, 1].map(
    (share) =>
      `<text x="${point(x(share))}" y="${height - margin.bottom + 20}" text-anchor="middle">${share * requests}</text>`,
  );
  const lines = [...curves].map(([name, curve], index) => {
    const colour = colours[index % colours.length] ?? '#000';
    const path = curve.map((regret, at) => `${point(x((at + 1) / curve.length))},${point(y(regret))}`).join(' ');
    const last = curve.at(-1) ?? 0;
    return (
      `<polyline points="${point(x(0))},${point(y(0))} ${path}" fill="none" stroke="${colour}" stroke-width="2.5"/>` +
      `<text x="${margin.left + innerWidth + 10}" y="${point(y(last))}" dominant-baseline="middle" fill="${colour}">` +
      `${name} (${last.toFixed(0)})</text>`
    );
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="Cumulative regret"
  font-family="system-ui, sans-serif" font-size="13" fill="#777">
<text x="${margin.left}" y="22" font-size="15">Cumulative regret while the world changes: worth lost against the best choice</text>
${[...grid, ...ticks, ...lines].join('\n')}
<text x="${margin.left + innerWidth / 2}" y="${height - 10}" text-anchor="middle">requests</text>
</svg>
`;
}

/** The next of 1, 2, 5, 10, 20, … that is not less. */
function niceCeiling(value: number): number {
  const magnitude = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  return magnitude * ([1, 2, 4, 5, 8, 10].find((factor) => factor * magnitude >= value) ?? 10);
}
