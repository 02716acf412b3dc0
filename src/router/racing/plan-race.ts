import { SignalboxError } from '../../platform/core/errors.ts';
import type { Need, Reservation } from '../admission/admission.ts';
import { type ReservedPart, shareReservation, sumOfNeeds } from '../admission/share-reservation.ts';
import type { Decision } from '../decide.ts';
import type { Gateway } from '../gateway.ts';
import { costUsd, noUsage } from '../predict/cost.ts';
import { formatUsd } from '../select/choose.ts';
import { isSameModel } from '../select/field.ts';
import { parseRequestedModel } from '../select/requested-model.ts';
import type { RoutableModel } from '../select/routable-model.ts';
import { type RaceOrder, type RaceRules, refused } from './race-order.ts';

/** What a race will call, and what is held for it. */
export interface RacePlan {
  lanes: ReadonlyArray<{ decision: Decision; part: ReservedPart }>;
  judge: { entry: RoutableModel; part: ReservedPart } | null;
}

/** Tokens that a judge's own words and its reply take at the most, reasoning included. */
const judgeTokens = 2000;

/**
 * Chooses the lanes and holds what all of them may use together, before anything is called or said.
 *
 * @throws SignalboxError `invalid_request`, `model_not_found`, `no_eligible_model`, `race_too_costly`, and all that
 * `Admission.reserve` throws.
 */
export async function planRace(
  gateway: Gateway,
  order: RaceOrder,
  rules: RaceRules,
  raceId: string,
): Promise<RacePlan> {
  const decisions = decideLanes(gateway, order, rules, raceId);
  const judge = rules.judge === null ? null : findJudge(gateway, order, rules.judge.model, decisions);
  const needs = decisions.map((decision) => gateway.needOf(decision, order.maxOutputTokens));
  if (judge !== null) needs.push(needOfJudge(judge, needs));
  refuseCost(needs, decisions, rules, order);
  const reservation: Reservation = await gateway.reserve(order.caller, sumOfNeeds(needs), order.clientSignal);
  const parts = shareReservation(reservation, needs);
  const judgePart = parts[decisions.length];
  return {
    lanes: decisions.flatMap((decision, lane) => {
      const part = parts[lane];
      return part === undefined ? [] : [{ decision, part }];
    }),
    judge: judge === null || judgePart === undefined ? null : { entry: judge, part: judgePart },
  };
}

function decideLanes(gateway: Gateway, order: RaceOrder, rules: RaceRules, raceId: string): Decision[] {
  const { strategy, caller, decisionRequest } = order;
  const names = order.models ?? chooseNames(gateway, order, rules);
  // Where the router chooses, no model is in twice unless so many lanes are asked for.
  const lanes = order.models === null && order.options.n === undefined ? names.length : rules.lanes;
  return Array.from({ length: lanes }, (_, lane) => {
    const requestedModel = names[lane % names.length] ?? '';
    const race = { race_id: raceId, strategy, lane, lanes, caller_id: caller.keyId ?? 'none' };
    try {
      return gateway.consider({ ...decisionRequest, models: null, requestedModel, race, origin: 'race' });
    } catch (error) {
      // As the client wrote it: its `model` is the race.
      if (!(error instanceof SignalboxError) || error.param !== 'model' || order.models === null) throw error;
      throw new SignalboxError(error.code, error.message, { param: `models[${lane % names.length}]` });
    }
  });
}

function chooseNames(gateway: Gateway, order: RaceOrder, rules: RaceRules): string[] {
  const { decisionRequest, strategy } = order;
  const { constraints } = decisionRequest;
  const fieldWithin = (maxCostUsd: number | null): RoutableModel[] =>
    gateway.field(
      {
        ...decisionRequest,
        requestedModel: 'auto',
        constraints: {
          ...constraints,
          prefer: constraints.prefer ?? (strategy === 'first' ? 'speed' : null),
          maxCostUsd,
        },
      },
      rules.lanes,
    );
  let field: RoutableModel[] = [];
  try {
    field = fieldWithin(rules.maxCostUsd / rules.lanes);
  } catch (error) {
    if (!(error instanceof SignalboxError) || error.code !== 'no_eligible_model') throw error;
  }
  // Where it is the money that leaves too few, that is what is to be said, and is when it is counted.
  if (field.length < 2) field = fieldWithin(null);
  if (field.length < 2) {
    const only = field[0]?.key ?? 'none';
    throw new SignalboxError('no_eligible_model', `a race needs two models, and ${only} alone can answer`);
  }
  return field.map(({ key }) => key);
}

function findJudge(
  gateway: Gateway,
  { decisionRequest, optionsPath }: RaceOrder,
  name: string | null,
  decisions: readonly Decision[],
): RoutableModel {
  const isLane = (modelId: string): boolean =>
    decisions.some(({ chain: [step] }) => isSameModel(step.modelId, modelId));
  const { constraints } = decisionRequest;
  if (name === null) {
    const quality = {
      ...constraints,
      requiredCapabilities: [],
      prefer: 'quality' as const,
      tradeOff: null,
      nativeSurface: null,
    };
    const field = gateway.field(
      { ...decisionRequest, requestedModel: 'auto', constraints: quality },
      decisions.length + 1,
    );
    const judge = field.find(({ model }) => !isLane(model.model_id));
    if (judge === undefined) throw refused(`${optionsPath}judge`, 'every model that could judge is in a lane');
    return judge;
  }
  if (parseRequestedModel(name).kind !== 'pinned') throw refused(`${optionsPath}judge`, 'name a model, or say true');
  const { chain } = gateway.consider({ ...decisionRequest, models: null, requestedModel: name });
  const [{ entry }] = chain;
  if (entry === null) throw refused(`${optionsPath}judge`, `the catalogue has no model ${name}`);
  if (isLane(entry.model.model_id)) throw refused(`${optionsPath}judge`, 'a judge must not be one of the lanes');
  return entry;
}

/** It reads what all lanes wrote. */
function needOfJudge({ model }: RoutableModel, lanes: readonly Need[]): Need {
  const inputTokens =
    judgeTokens + (lanes[0]?.inputTokens ?? 0) + lanes.reduce((sum, need) => sum + need.outputTokens, 0);
  return {
    inputTokens,
    outputTokens: judgeTokens,
    costUsd: costUsd({ ...noUsage, inputTokens, outputTokens: judgeTokens }, model.costs),
  };
}

function refuseCost(
  needs: readonly Need[],
  decisions: readonly Decision[],
  { maxCostUsd }: RaceRules,
  order: RaceOrder,
): void {
  const unpriced = needs.findIndex(({ costUsd: cost }) => cost === null);
  if (unpriced !== -1 && order.maxCostUsd !== null) {
    const name = decisions[unpriced]?.chain[0].modelId ?? 'the judge';
    throw new SignalboxError('price_unknown', `max_cost_usd holds the race, and the price of ${name} is not known`, {
      param: 'models',
    });
  }
  const most = needs.reduce((sum, { costUsd: cost }) => sum + (cost ?? 0), 0);
  if (most <= maxCostUsd) return;
  throw new SignalboxError(
    'race_too_costly',
    `the race could cost ${formatUsd(most)} and may cost ${formatUsd(maxCostUsd)}: set max_tokens, name fewer or cheaper models, or raise max_cost_usd (race.max_cost_usd)`,
    { param: 'max_cost_usd' },
  );
}
