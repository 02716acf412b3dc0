/** Numbers as people read them, each with its unit. What is unknown is a dash. */
export const unknown = '–';

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

export function count(value: number | null | undefined): string {
  if (value == null) return unknown;
  return value < 100_000 ? whole.format(value) : compact.format(value);
}

/** Dollars: cents from one dollar on, two significant digits below. */
export function usd(value: number | null | undefined): string {
  if (value == null) return unknown;
  const sign = value < 0 ? '−' : '';
  const size = Math.abs(value);
  if (size === 0) return '$0';
  if (size >= 100_000) return `${sign}$${compact.format(size)}`;
  if (size >= 1) return `${sign}$${size.toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
  const digits = Math.min(8, 1 - Math.floor(Math.log10(size)));
  return `${sign}$${size.toFixed(Math.max(2, digits))}`;
}

export function milliseconds(value: number | null | undefined): string {
  if (value == null) return unknown;
  if (Math.round(value) < 1000) return `${Math.round(value)} ms`;
  if (value < 60_000) return `${(value / 1000).toFixed(value < 10_000 ? 2 : 1)} s`;
  return seconds(value / 1000);
}

/** A span of time in its two greatest units. */
export function seconds(value: number | null | undefined): string {
  if (value == null) return unknown;
  const total = Math.max(0, Math.round(value));
  if (total < 60) return `${total} s`;
  if (total < 3600) return twoUnits([total / 60, 'min'], [total % 60, 's']);
  if (total < 86_400) return twoUnits([total / 3600, 'h'], [(total % 3600) / 60, 'min']);
  return twoUnits([total / 86_400, 'd'], [(total % 86_400) / 3600, 'h']);
}

function twoUnits(...units: ReadonlyArray<readonly [number, string]>): string {
  return units
    .map(([value, unit]) => [Math.floor(value), unit] as const)
    .filter(([value]) => value > 0)
    .map(([value, unit]) => `${value} ${unit}`)
    .join(' ');
}

/** A share of 1 as a percentage; more digits where it is close to 0 or 1. */
export function percent(value: number | null | undefined): string {
  if (value == null) return unknown;
  const parts = value * 100;
  if (Number.isInteger(parts)) return `${parts}%`.replace('-', '−');
  const isNearEnd = (parts > 99 && parts < 100) || Math.abs(parts) < 1;
  return `${parts.toFixed(isNearEnd ? 2 : Math.abs(parts) < 10 ? 1 : 0)}%`.replace('-', '−');
}

/** A score in [0, 5]. */
export function score(value: number | null | undefined): string {
  return value == null ? unknown : value.toFixed(2);
}

/** A part of a sum, with its sign. */
export function signed(value: number, digits = 3): string {
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return text;
  return `${value < 0 ? '−' : '+'}${text}`;
}

export function range(
  interval: readonly [number, number] | null | undefined,
  format: (value: number) => string,
): string {
  return interval == null ? unknown : `${format(interval[0])} to ${format(interval[1])}`;
}

export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}
