// Loaded before a program: its clock is wrong by CLOCK_OFFSET_MS.
const offsetMs = Number(process.env['CLOCK_OFFSET_MS'] ?? 0);
const TrueDate = Date;
const trueNow = Date.now.bind(Date);

class SkewedDate extends TrueDate {
  constructor(...given: [] | [number | string]) {
    super(given[0] ?? trueNow() + offsetMs);
  }
  static override now(): number {
    return trueNow() + offsetMs;
  }
}

if (offsetMs !== 0) globalThis.Date = SkewedDate as DateConstructor;

/** Of a program with such a clock. */
export function skewedBy(hours: number): Record<string, string> {
  return { NODE_OPTIONS: `--import ${import.meta.url}`, CLOCK_OFFSET_MS: String(hours * 3_600_000) };
}
