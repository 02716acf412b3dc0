import pc from 'picocolors';
import type { MeasuredMethod, Measured, MethodReport, PairReport, Report } from '../prediction/evaluate/measures.ts';
import { goodShare } from '../prediction/evaluate/run.ts';
import type { EvaluationData } from './evaluate-data.ts';
import type { Offline, UnseenModel } from './evaluate-offline.ts';
import type { OnlineStream } from './evaluate-online.ts';
import { decisionParts } from './evaluate-timing.ts';
import { table } from './terminal.ts';

/** What was read, and what was done to it. */
export function dataLines({ rows, models, notes }: EvaluationData): string[] {
  const counting = rows.filter(({ counts }) => counts).length;
  return [
    `${counting.toLocaleString('en')} prompts, ${models.length} models`,
    ...notes.map((note) => pc.dim(`· ${note}`)),
    '',
  ];
}

export function offlineLines({ protocol, labels, report, decision }: Offline): string[] {
  const { ece, brier } = report.calibration;
  const parts = decisionParts.map((part) => `${part} ${decision[part].p50Us.toFixed(1)}`);
  return [
    `${pc.bold(protocol)}; ${labels ? 'tasks of training rows used as labels of topics' : 'no labels used'}`,
    '',
    ...methodLines(report),
    '',
    ...curveLines(report),
    ...(report.pair === null ? [] : ['', ...pairLines(report.pair)]),
    ...familyLines(report),
    '',
    `predictions: ECE ${percent(ece)}, Brier ${brier.toFixed(4)}`,
    `a decision: p50 ${decision.all.p50Us.toFixed(0)} µs, p99 ${decision.all.p99Us.toFixed(0)} µs (p50 of parts, µs: ${parts.join(', ')})`,
  ];
}

const names: Readonly<Record<MeasuredMethod, string>> = {
  signalbox: 'Signalbox',
  best_single: 'best single model',
  cheapest_good_single: `cheapest ≥ ${100 * goodShare}% of it`,
  single_models_hull: 'hull of single models',
  random_mix: 'random mix, equal cost',
  no_prompt: 'sees no prompt',
  task_lookup: 'task lookup',
  tf_idf_knn: 'TF-IDF kNN, k = 40',
  oracle: 'oracle',
};

function methodLines({ methods }: Report): string[] {
  const header = [
    '',
    'QUALITY',
    'USD/1K',
    'POINTS OVER BEST',
    '95%',
    'SIGNALBOX AHEAD',
    '95%',
    'GAP',
    'AIQ',
    'AIQ LOG',
    '≥95%',
    '≥98%',
    '≥100%',
  ];
  const rows = Object.keys(names).flatMap((name): string[][] => {
    const found = methods.find(({ method }) => method === name);
    return found === undefined ? [] : [methodCells(found)];
  });
  return [
    ...table([header.map((text) => pc.dim(text)), ...rows]),
    pc.dim(
      'at the first trade-off; GAP: share of the way from the best single model to the oracle; ≥x%: cost, of the best single model’s, at x% of its quality',
    ),
  ];
}

function methodCells({ method, measures }: MethodReport): string[] {
  const cost = ({ value }: Measured): string => (Number.isFinite(value) ? percent(value) : '–');
  const isReference = method === 'signalbox';
  return [
    isReference ? pc.bold(names[method]) : names[method],
    (100 * measures.quality.value).toFixed(2),
    `$${(1000 * measures.cost_usd.value).toPrecision(3)}`,
    signed(measures.gain_points.value),
    range(measures.gain_points),
    isReference ? '' : signed(measures.signalbox_ahead_points.value),
    isReference ? '' : range(measures.signalbox_ahead_points),
    known(measures.gap_closed.value, percent),
    known(measures.aiq_linear.value, (value) => value.toFixed(3)),
    known(measures.aiq_log.value, (value) => value.toFixed(3)),
    cost(measures.cost_at_95),
    cost(measures.cost_at_98),
    cost(measures.cost_at_100),
  ];
}

function curveLines({ curve }: Report): string[] {
  const header = ['TRADE-OFF', ...curve.map(({ tradeOff }) => String(tradeOff))];
  return table([
    header.map((text) => pc.dim(text)),
    ['quality', ...curve.map(({ quality }) => (100 * quality).toFixed(2))],
    ['USD/1K', ...curve.map(({ costUsd }) => (1000 * costUsd).toPrecision(3))],
  ]);
}

function pairLines({ strong, weak, methods }: PairReport): string[] {
  const header = [`${strong} over ${weak}`, 'APGR', '95%', 'CPT(50%)', 'CPT(80%)', 'SIGNALBOX AHEAD', '95%'];
  return table([
    header.map((text) => pc.dim(text)),
    ...methods.map(({ method, measures }) => [
      method === 'signalbox' ? pc.bold(names[method]) : names[method],
      measures.apgr.value.toFixed(3),
      range(measures.apgr, 3),
      percent(measures.cpt50.value),
      percent(measures.cpt80.value),
      method === 'signalbox' ? '' : signed(measures.signalbox_ahead_apgr.value, 3),
      method === 'signalbox' ? '' : range(measures.signalbox_ahead_apgr, 3),
    ]),
    ['random', '0.500', '', '50.0%', '80.0%', '', ''],
  ]);
}

function familyLines({ families }: Report): string[] {
  const [worst] = families;
  if (worst === undefined) return [];
  const losing = families.filter(({ gainPoints }) => gainPoints < 0).length;
  return [
    '',
    `worst family: ${worst.family}, ${signed(worst.gainPoints)} points over ${worst.rows} prompts; ${losing} of ${families.length} families below the best single model`,
  ];
}

export function unseenLines(models: readonly UnseenModel[]): string[] {
  const header = ['NO HISTORY OF', 'CHOSEN FOR', 'POINTS OVER BEST SINGLE', '95%'];
  return table([
    header.map((text) => pc.dim(text)),
    ...models.map((unseen) => [
      unseen.model,
      percent(unseen.share),
      signed(unseen.gainPoints),
      range({ value: unseen.gainPoints, interval: unseen.interval }),
    ]),
  ]);
}

export function onlineLines(streams: readonly OnlineStream[]): string[] {
  const [first] = streams;
  if (first === undefined) return [];
  const counts = first.regret.map(({ requests }) => requests);
  const header = ['STREAM', ...counts.map((count) => `REGRET AT ${count}`), 'POINTS FROM 1000 ON', 'LAST QUARTER'];
  const cells = ({ stream, regret, pointsFrom1000, pointsLastQuarter }: OnlineStream): string[] => [
    stream,
    ...regret.map(({ bestSingle, oracle }) => `${bestSingle.toFixed(1)} / ${oracle.toFixed(1)}`),
    known(pointsFrom1000, signed),
    signed(pointsLastQuarter),
  ];
  const rows = streams.map(cells);
  if (streams.length > 1) rows.push(cells(meanOf(streams)));
  return [
    ...table([header.map((text) => pc.dim(text)), ...rows]),
    pc.dim(
      'regret: scores lost against the best single model in hindsight / the oracle; points: against the best single model',
    ),
  ];
}

function meanOf(streams: readonly OnlineStream[]): OnlineStream {
  const mean = (valueOf: (stream: OnlineStream) => number): number =>
    streams.reduce((sum, stream) => sum + valueOf(stream), 0) / streams.length;
  const [first] = streams;
  return {
    stream: 'mean',
    requests: first?.requests ?? 0,
    regret: (first?.regret ?? []).map(({ requests }, at) => ({
      requests,
      bestSingle: mean(({ regret }) => regret[at]?.bestSingle ?? NaN),
      oracle: mean(({ regret }) => regret[at]?.oracle ?? NaN),
    })),
    pointsFrom1000: mean(({ pointsFrom1000 }) => pointsFrom1000),
    pointsLastQuarter: mean(({ pointsLastQuarter }) => pointsLastQuarter),
    sharesLastQuarter: {},
  };
}

const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;

const known = (value: number, format: (value: number) => string): string =>
  Number.isFinite(value) ? format(value) : '–';

function signed(value: number, digits = 2): string {
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return text;
  return value < 0 ? `−${text}` : `+${text}`;
}

const range = ({ interval: [low, high] }: Measured, digits = 2): string =>
  `${signed(low, digits)} … ${signed(high, digits)}`;
