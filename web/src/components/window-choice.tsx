import type { Window } from '../../../src/contracts/dashboard.ts';
import { linkTo, useRoute } from '../route.ts';
import { Choice } from './field.tsx';

const words: Record<Window, string> = {
  '1h': '1 hour',
  '6h': '6 hours',
  '24h': '24 hours',
  '7d': '7 days',
  '30d': '30 days',
};

export const windows = ['1h', '6h', '24h', '7d', '30d'] as const satisfies readonly Window[];
export const longWindows = ['24h', '7d', '30d'] as const satisfies readonly Window[];

const hours: Record<Window, number> = { '1h': 1, '6h': 6, '24h': 24, '7d': 168, '30d': 720 };

export function hoursOf(window: Window): number {
  return hours[window];
}

/** The time that a view looks back on, from its address. */
export function useWindow<W extends Window>(of: readonly W[], otherwise: W): [W, (window: W) => void] {
  const { path, query } = useRoute();
  const window = of.find((name) => name === query['window']) ?? otherwise;
  return [window, (chosen) => (location.hash = linkTo(path, { ...query, window: chosen }))];
}

interface WindowChoiceProps<W extends Window> {
  of: readonly W[];
  value: W;
  onChange(window: W): void;
}

export function WindowChoice<W extends Window>({ of, value, onChange }: WindowChoiceProps<W>) {
  return (
    <Choice
      label="Time to look back on"
      value={value}
      options={of.map((window) => ({ value: window, label: words[window] }))}
      onChange={onChange}
    />
  );
}
