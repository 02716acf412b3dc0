import type { RaceCandidate, RaceResponse } from '../contracts/race-api.ts';
import { type Colors, printable } from './terminal.ts';

/** A lane as it is shown. */
export interface LaneView {
  candidate: RaceCandidate;
  /** How long it runs by now, in milliseconds; null where it does not. */
  runningMs: number | null;
}

export interface LaneLook {
  /** Columns of the terminal; no line is longer. */
  width: number;
  colors: Colors;
  /** Counts up with each picture, and turns the mark of what runs. */
  frame: number;
  /** Until then a lane with a valid answer has neither won nor lost. */
  isDecided: boolean;
}

type Paint = (text: string) => string;

interface Cell {
  text: string;
  paint?: Paint;
  align?: 'right';
}

const gap = 2;
/** So that the columns stay where they are while their words change. */
const statusWidth = 'cancelled'.length;
const timeWidth = '12.3 s'.length;
const spinner = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
/** Narrower ones have no room for the providers. */
const wideEnough = 80;

/** One line for each lane, its columns aligned. Pure. */
export function laneLines(lanes: readonly LaneView[], look: LaneLook): string[] {
  const hasBegun = lanes.some(({ candidate: { status } }) => status !== 'waiting');
  const rows = lanes.map((lane) => toCells(lane, hasBegun, look));
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((cells) => lengthOf(cells[column]?.text ?? ''))),
  );
  return rows.map((cells) => fit(cells, widths, look.width));
}

/** How long it takes, beneath the lanes. Pure. */
export function clockLine(
  lanes: readonly LaneView[],
  { elapsedMs, timeoutMs, ...look }: LaneLook & { elapsedMs: number; timeoutMs: number },
): string {
  const isRunning = lanes.some(({ candidate: { status } }) => status === 'running');
  const doing = look.isDecided ? ', answering' : isRunning ? '' : ', deciding';
  return look.colors.dim(cut(`${seconds(elapsedMs)} of ${duration(timeoutMs)}${doing}`, look.width));
}

function toCells(
  { candidate, runningMs }: LaneView,
  hasBegun: boolean,
  { width, colors, frame, isDecided }: LaneLook,
): Cell[] {
  const status = statusOf(candidate, isDecided);
  const [mark, paint] = lookOf(status, colors);
  const { model, provider, latency_ms: latencyMs, cost_usd: costUsd, confidence } = candidate;
  const timeMs = status === 'running' ? runningMs : latencyMs;
  // A duration that is not over yet keeps one unit, so that it does not flicker.
  const time = timeMs === null ? '' : status === 'running' ? seconds(timeMs) : duration(timeMs);
  return [
    { text: status === 'running' ? (spinner[frame % spinner.length] ?? '') : mark, paint },
    { text: cut(model, Math.max(8, Math.floor(width / 3))), ...(status === 'won' ? { paint: colors.bold } : {}) },
    ...(width < wideEnough ? [] : [{ text: provider, paint: colors.dim }]),
    { text: status.padEnd(statusWidth), paint },
    { text: time.padStart(timeWidth), align: 'right' },
    { text: costUsd === null ? '' : usd(costUsd), align: 'right' },
    { text: confidence === null ? '' : percent(confidence), align: 'right' },
    { text: noteOf(candidate, status, hasBegun), paint: colors.dim },
  ];
}

type ShownStatus = RaceCandidate['status'] | 'answered';

function statusOf({ status }: RaceCandidate, isDecided: boolean): ShownStatus {
  return status === 'lost' && !isDecided ? 'answered' : status;
}

function lookOf(status: ShownStatus, colors: Colors): [mark: string, paint: Paint] {
  switch (status) {
    case 'won':
      return ['✓', colors.green];
    case 'answered':
      return ['•', colors.blue];
    case 'lost':
      return ['•', String];
    case 'error':
      return ['✗', colors.red];
    case 'invalid':
      return ['✗', colors.yellow];
    case 'running':
      return ['', colors.cyan];
    case 'waiting':
    case 'cancelled':
      return ['·', colors.dim];
  }
}

/** Why it ended as it did, else the beginning of what it answered. */
function noteOf({ reason, output }: RaceCandidate, status: ShownStatus, hasBegun: boolean): string {
  if (status === 'waiting') return hasBegun ? 'asked only if the others do not agree' : '';
  return oneLine(reason ?? output?.slice(0, 500) ?? '');
}

/** Columns in which no line has anything take no room. */
function fit(cells: readonly Cell[], widths: readonly number[], width: number): string {
  let line = '';
  let left = width;
  let blanks = 0;
  for (const [column, { text, paint = String, align }] of cells.entries()) {
    const columnWidth = widths[column] ?? 0;
    if (columnWidth === 0) continue;
    const padding = columnWidth - lengthOf(text);
    if (align === 'right') blanks += padding;
    if (text !== '') {
      // Half a number would be another one.
      if (blanks >= left || (align === 'right' && blanks + lengthOf(text) > left)) break;
      line += ' '.repeat(blanks) + paint(cut(text, left - blanks));
      left -= blanks + lengthOf(text);
      blanks = 0;
      if (left <= 0) break;
    }
    // The mark belongs to the name.
    blanks += (align === 'right' ? 0 : padding) + (column === 0 ? 1 : gap);
  }
  return line;
}

const segmenter = new Intl.Segmenter();
/** Characters that take two columns: East Asian ones and pictures. */
const wide =
  /^(?:\p{Emoji_Presentation}|[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6]|[\u{20000}-\u{3FFFD}])/u;

/** Columns of a terminal that a text takes. */
function lengthOf(text: string): number {
  let length = 0;
  for (const { segment } of segmenter.segment(text)) length += wide.test(segment) ? 2 : 1;
  return length;
}

function cut(text: string, length: number): string {
  if (lengthOf(text) <= length) return text;
  let kept = '';
  let left = length - 1;
  for (const { segment } of segmenter.segment(text)) {
    left -= lengthOf(segment);
    if (left < 0) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** How a lane ended, as a plain line. */
export function laneSentence(candidate: RaceCandidate, isDecided: boolean): string {
  const { model, provider, latency_ms: latencyMs, cost_usd: costUsd, confidence, reason } = candidate;
  const parts = [
    statusOf(candidate, isDecided),
    ...(latencyMs === null ? [] : [duration(latencyMs)]),
    ...(costUsd === null ? [] : [usd(costUsd)]),
    ...(confidence === null ? [] : [percent(confidence)]),
    ...(reason === null ? [] : [oneLine(reason)]),
  ];
  return `${model} at ${provider}: ${parts.join(', ')}`;
}

/** What the race came to, as labels and values. */
export function summaryRows(response: RaceResponse): Array<[label: string, value: string]> {
  const { selected, agreement_score: agreement, margin, strategy, reason } = response;
  const rows: Array<[string, string]> = [];
  if (selected !== null) {
    rows.push(['winner', `${selected.model} at ${selected.provider}`], ['decided by', `${strategy}: ${reason}`]);
  }
  const agreed = [
    ...(agreement === null ? [] : [percent(agreement)]),
    ...(margin === null ? [] : [`margin ${margin.toFixed(2)}`]),
  ];
  if (agreed.length > 0) rows.push(['agreement', agreed.join(', ')]);
  rows.push(['cost', costOf(response)], ['duration', duration(response.duration_ms)], ['race', response.race_id]);
  return rows;
}

function costOf({ cost_usd: costUsd, strategy, candidates }: RaceResponse): string {
  if (costUsd === null) return 'unknown';
  // These lanes were shown before they had ended, and without their costs.
  if (strategy !== 'first' || candidates.length < 2) return usd(costUsd);
  const parts = candidates.map(({ model, cost_usd: cost }) => `${model} ${cost === null ? 'unknown' : usd(cost)}`);
  return `${usd(costUsd)} (${parts.join(', ')})`;
}

/** Why nobody won: `no consensus: tie`. */
export function failureOf({ outcome, reason }: RaceResponse): string {
  return `${outcome.replace('_', ' ')}: ${reason.replace(/^no_consensus: /, '')}`;
}

/** What the lanes answered, each different text once, with the models that gave it. */
export function differentAnswers(candidates: readonly RaceCandidate[]): Array<{ models: string[]; text: string }> {
  const answers = new Map<string, string[]>();
  for (const { model, output } of candidates) {
    if (output === null) continue;
    const text = output.trim();
    answers.set(text, [...(answers.get(text) ?? []), model]);
  }
  return [...answers].map(([text, models]) => ({ models, text }));
}

const oneLine = (text: string): string => printable(text.replaceAll(/\s+/g, ' ').trim());

function duration(ms: number): string {
  if (ms < 999.5) return `${ms.toFixed(0)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const whole = Math.round(ms / 1000);
  return `${Math.floor(whole / 60)} min${whole % 60 === 0 ? '' : ` ${whole % 60} s`}`;
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

const smallAmount = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });

function usd(amount: number): string {
  return `$${amount >= 1 ? amount.toFixed(2) : smallAmount.format(amount)}`;
}

const percent = (share: number): string => `${Math.round(100 * share)}%`;
