import { range, score } from '../format/numbers.ts';

const greatest = 5;

/** A score on its scale from 0 to 5, with what it may be as well. */
export function IntervalMark({ value, interval }: { value: number; interval: readonly [number, number] | null }) {
  const at = (of: number): number => (Math.min(greatest, Math.max(0, of)) / greatest) * 100;
  const words = interval === null ? score(value) : `${score(value)}, between ${range(interval, score)}`;
  return (
    <svg class="interval-mark" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label={words}>
      <line class="scale" x1="0" x2="100" y1="5" y2="5" />
      {interval === null ? null : (
        <rect
          class="band"
          x={at(interval[0])}
          width={Math.max(1, at(interval[1]) - at(interval[0]))}
          y="2.5"
          height="5"
        />
      )}
      <rect class="point" x={Math.min(98, Math.max(0, at(value) - 1))} width="2" y="0" height="10" />
    </svg>
  );
}
