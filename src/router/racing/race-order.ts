import type { Check, Extract, RaceOptions } from '../../contracts/race-options.ts';
import type { RaceStrategy } from '../../contracts/race.ts';
import type { Config } from '../../platform/config/load.ts';
import { SignalboxError } from '../../platform/core/errors.ts';
import type { Span } from '../../platform/telemetry/span.ts';
import type { Caller } from '../admission/admission.ts';
import type { DecisionRequest } from '../decide.ts';
import type { Extraction } from '../race/answer.ts';
import { parseRequestedModel } from '../select/requested-model.ts';
import { providerRunTool } from '../surfaces/chat/provider-run.ts';
import { UnusableCheck } from '../verify/checks.ts';
import type { Verifier } from '../verify/verifier.ts';
import type { Body } from '../surfaces/surface.ts';

/** A race as a client asks for it. */
export interface RaceOrder {
  strategy: RaceStrategy;
  /** Null: the router chooses them. */
  models: readonly string[] | null;
  options: RaceOptions;
  /** Where in the request they stand, as errors name it. */
  optionsPath: string;
  /** Most that the race may cost; null: as the configuration says. */
  maxCostUsd: number | null;
  /** The chat completion that each model is asked for, without a word of the race. */
  body: Body;
  /** Whether the usage is wanted with the answer, as it is in one that comes whole. */
  keepsUsage: boolean;
  /** The text of its messages, for a judge. */
  question: string;
  /** What the body asks of any decision; its model is another one in each lane. */
  decisionRequest: DecisionRequest;
  maxOutputTokens: number | null;
  caller: Caller;
  headers: Readonly<Record<string, string>>;
  query: string;
  /** Its place in its trace; null where it is not traced. */
  span: Span | null;
  clientSignal: AbortSignal;
}

/** An order with all that it leaves open filled in. */
export interface RaceRules {
  lanes: number;
  timeoutMs: number;
  maxCostUsd: number;
  extraction: Extraction;
  /** Why an answer does not pass; null where it does. */
  verify: ((text: string) => Promise<string | null>) | null;
  /** Null: nobody judges. `model` null: the best one that is in no lane. */
  judge: { model: string | null; criteria: string | null } | null;
  minAgreement: number;
  staged: boolean;
}

const lanesByStrategy: Readonly<Record<RaceStrategy, number>> = { first: 2, best: 3, consensus: 3 };

/** @throws SignalboxError `invalid_request` with the path of what cannot be. */
export async function readRules(order: RaceOrder, config: Config['race'], verifier: Verifier): Promise<RaceRules> {
  const { strategy, models, options, optionsPath: path } = order;
  const lanes = options.n ?? models?.length ?? lanesByStrategy[strategy];
  if (models !== null && lanes < models.length)
    throw refused(`${path}n`, `there are ${models.length} models for ${lanes} lanes`);
  const nameless = (models ?? []).findIndex((name) => parseRequestedModel(name).kind !== 'pinned' || name === '');
  if (nameless !== -1 || models?.length === 0) {
    throw refused(`models[${Math.max(0, nameless)}]`, 'each lane of a race needs a model of its own, and auto is none');
  }
  if (lanes < 2)
    throw refused(
      'models',
      'a race needs two lanes: name two models, or give n; race:first, race:best and race:consensus choose them',
    );
  if (lanes > config.max_lanes) {
    throw refused(
      models === null ? `${path}n` : 'models',
      `a race has ${config.max_lanes} lanes at the most (race.max_lanes)`,
    );
  }
  if (options.judge !== undefined && options.judge !== false && strategy !== 'best') {
    throw refused(`${path}judge`, 'only the strategy best has a judge');
  }
  if (options.extract !== undefined && strategy !== 'consensus') {
    throw refused(`${path}extract`, 'only the strategy consensus compares answers');
  }
  if (Number(order.body['n'] ?? 1) > 1) throw refused('n', 'each lane of a race gives one answer');
  refuseEffects(order);
  return {
    lanes,
    timeoutMs: options.timeout_ms ?? config.timeout_ms,
    maxCostUsd: Math.min(config.max_cost_usd, order.maxCostUsd ?? Infinity),
    extraction: extractionOf(options.extract ?? 'text'),
    verify: await verifierOf(options.verifier, path, verifier),
    judge: judgeOf(options.judge),
    minAgreement: options.min_agreement ?? 0.5,
    staged: options.staged ?? true,
  };
}

/** Tools that a provider runs itself would be run once in each lane. */
function refuseEffects({ body, options }: RaceOrder): void {
  if (options.allow_tools === true) return;
  const path = providerRunTool(body);
  if (path === null) return;
  throw refused(path, 'every lane would run this tool; allow_tools: true permits it');
}

function extractionOf(extract: Extract): Extraction {
  const given = typeof extract === 'string' ? { type: extract } : extract;
  switch (given.type) {
    case 'text':
      return { kind: 'text', similarity: 'similarity' in given ? given.similarity : 0.8 };
    case 'number':
      return { kind: 'number', tolerance: 'tolerance' in given ? given.tolerance : 1e-6 };
    case 'json':
      return { kind: 'json', path: 'path' in given ? given.path : [] };
    case 'choice':
      return { kind: 'choice', choices: given.choices };
  }
}

async function verifierOf(
  given: RaceOptions['verifier'],
  path: string,
  verifier: Verifier,
): Promise<RaceRules['verify']> {
  if (given === undefined) return null;
  const checks: readonly Check[] = Array.isArray(given) ? given : [given];
  try {
    await verifier.accepts(checks);
    return (text) => verifier.verify(checks, text);
  } catch (error) {
    if (!(error instanceof UnusableCheck)) throw error;
    const param = `${path}verifier${Array.isArray(given) ? `[${error.index}]` : ''}`;
    throw refused(param, `${param}: ${error.message}`);
  }
}

function judgeOf(judge: RaceOptions['judge']): RaceRules['judge'] {
  if (judge === undefined || judge === false) return null;
  if (judge === true) return { model: null, criteria: null };
  if (typeof judge === 'string') return { model: judge, criteria: null };
  return { model: judge.model ?? null, criteria: judge.criteria ?? null };
}

export function refused(param: string, message: string): SignalboxError {
  return new SignalboxError('invalid_request', message, { param });
}
