import { unknown } from './numbers.ts';

/** Times in the zone of whoever looks. */
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long' });
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const hour = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });
const dayAndHour = new Intl.DateTimeFormat(undefined, {
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
});

const dayMs = 86_400_000;

/** With date, time and zone. */
export function fullTime(time: string | number | null | undefined): string {
  return time == null ? unknown : full.format(new Date(time));
}

/** The time of today, or the date with it. */
export function shortTime(time: string | number | null | undefined, nowMs = Date.now()): string {
  if (time == null) return unknown;
  const date = new Date(time);
  const isToday = date.toDateString() === new Date(nowMs).toDateString();
  return isToday ? clock.format(date) : dayAndHour.format(date);
}

/** As a label of an axis that covers `spanMs`. */
export function axisTime(timeMs: number, spanMs: number): string {
  const date = new Date(timeMs);
  if (spanMs <= 1.5 * dayMs) return hour.format(date);
  return spanMs <= 8 * dayMs ? dayAndHour.format(date) : day.format(date);
}

/** When a day such as `2026-11-22` begins, or so many days after it, as ISO 8601; undefined for what is no day. */
export function beginOfDay(text: string, daysAfter = 0): string | undefined {
  const date = new Date(`${text}T00:00`);
  if (Number.isNaN(date.getTime())) return undefined;
  date.setDate(date.getDate() + daysAfter);
  return date.toISOString();
}
