import { percent } from '../format/numbers.ts';

interface BarProps {
  /** Of the whole, in [0, 1]; what is beyond is cut. */
  share: number;
  /** Lighter, after the share. */
  heldShare?: number;
  label: string;
  tone?: 'accent' | 'good' | 'warn' | 'bad';
}

/** A share as a bar. */
export function Bar({ share, heldShare = 0, label, tone = 'accent' }: BarProps) {
  const width = clamp(share) * 100;
  const held = Math.min(clamp(heldShare) * 100, 100 - width);
  return (
    <svg
      class={`bar-meter ${tone}`}
      viewBox="0 0 100 6"
      preserveAspectRatio="none"
      role="img"
      aria-label={`${label}: ${percent(share)}`}
    >
      <rect class="track" width="100" height="6" rx="1" />
      <rect class="held" x={width} width={held} height="6" />
      <rect class="fill" width={width} height="6" rx="1" />
    </svg>
  );
}

function clamp(share: number): number {
  return Math.min(1, Math.max(0, share));
}
