import type { RaceCandidate } from '../../contracts/race-api.ts';
import type { RaceOutcome } from '../../contracts/race.ts';
import type { SignalboxError } from '../../platform/core/errors.ts';
import { uuidv7 } from '../../platform/core/ids.ts';
import type { SpanAttributes } from '../../platform/telemetry/span.ts';
import { type LaneEnd, runRace } from '../race/run-race.ts';
import type { StreamEnd } from '../upstream/follow-stream.ts';
import type { ClientRequest } from '../upstream/upstream.ts';
import { type Decided, judgeAnswers, noteConfidence, strategyOf } from './deciding.ts';
import {
  createLane,
  type Lane,
  type LaneAnswer,
  type RelayCompletion,
  requestOf,
  runLane,
  type StreamCompletion,
  toCandidate,
} from './lane.ts';
import { planRace, type RacePlan } from './plan-race.ts';
import { type RaceOrder, readRules } from './race-order.ts';
import type { OnLane, RacingOptions, RunningRace } from './running-race.ts';
import { noteEnd, tell, type Verdict } from './verdict.ts';

export interface Racing {
  /**
   * Chooses the lanes and holds what they may use; nothing is called yet. What it answers has to be run.
   *
   * @throws SignalboxError for what `readRules` and `planRace` refuse.
   */
  prepare(order: RaceOrder): Promise<PreparedRace>;
}

export interface PreparedRace {
  readonly raceId: string;
  readonly timeoutMs: number;
  lanes(): RaceCandidate[];
  /** Never throws for what goes wrong in a lane. */
  run(onLane?: OnLane): Promise<RaceEnd>;
}

/** A race that is decided. */
export interface RaceEnd {
  outcome: RaceOutcome;
  reason: string;
  agreement: number | null;
  margin: number | null;
  durationMs: number;
  winner: RaceWinner | null;
  /** Lanes that were started. */
  started: number;
  /** How many answers were no valid ones. */
  invalid: number;
  /** Why each lane failed that did, where no provider answered. */
  errors: readonly SignalboxError[];
  /** A provider's own words where every lane was refused by its provider. */
  refusal: RelayCompletion | null;
  /** As far as they are known: those of lanes that are still ending lack their cost. */
  candidates(): RaceCandidate[];
  /** All lanes and the judge; null where one of them is not known. */
  costUsd(): number | null;
  /** When all lanes but a winner that still streams have ended. */
  settled: Promise<void>;
}

/** Where `collected` is null, `completion` streams on, and is to be settled. */
export interface RaceWinner extends Pick<LaneAnswer, 'completion' | 'collected'> {
  lane: Lane;
}

/** Of the time of a race that has a judge, what its lanes may take. */
const lanesShare = 0.75;

/** Races over the gateway, so that keys, budgets, circuits, prices and records hold in each lane. */
export function createRacing(options: RacingOptions): Racing {
  const { gateway, config } = options;
  const races = options.metrics.counter('signalbox_router_races_total');
  return {
    async prepare(order) {
      const rules = await readRules(order, config().race, options.verifier);
      const raceId = uuidv7(options.clock.nowMs());
      const plan = await planRace(gateway, order, rules, raceId);
      const lanes = plan.lanes.map(({ decision, part }, index) => createLane(index, decision, part));
      return {
        raceId,
        timeoutMs: rules.timeoutMs,
        lanes: () => lanes.map(toCandidate),
        async run(onLane = () => undefined) {
          order.span?.set({
            'gen_ai.operation.name': 'chat',
            'signalbox.race.id': raceId,
            'signalbox.race.strategy': order.strategy,
            'signalbox.race.lanes': lanes.length,
          });
          const end = await run({ ...options, order, rules, plan, lanes, onLane });
          races.inc({ strategy: order.strategy, outcome: end.outcome });
          order.span?.set({ 'signalbox.race.outcome': end.outcome, ...winnerAttributes(end) });
          return end;
        },
      };
    },
  };
}

async function run(race: RunningRace): Promise<RaceEnd> {
  const { order, rules, plan, lanes, clock } = race;
  const startedAtMs = clock.monotonicMs();
  const request = requestOf(order);
  // All at once, so that a race that is cut short has none or all of its lanes on record.
  for (const { decision } of lanes) race.gateway.open(decision);

  const result = await runRace<LaneAnswer>({
    lanes: lanes.length,
    strategy: strategyOf(race),
    // What a judge needs is kept for it.
    timeoutMs: plan.judge === null ? rules.timeoutMs : rules.timeoutMs * lanesShare,
    callerSignal: order.clientSignal,
    nowMs: () => clock.monotonicMs(),
    run: (index, signal) => follow(race, lanes[index] as Lane, request, signal),
    discard(_, { completion, collected }) {
      if (collected !== null) return;
      completion.answer.abort();
      completion.settle({ outcome: 'cancelled', errorCode: null });
    },
  });
  let { winner, reason } = result;
  for (const report of result.ended) noteEnd(lanes[report.lane] as Lane, report);
  if (plan.judge === null) noteConfidence(race, result);
  else {
    ({ winner, reason } = await judgeAnswers(race, plan.judge, result, startedAtMs));
    // Where it was not asked.
    plan.judge.part.settle(null);
  }

  const outcome = outcomeOf(race, winner);
  const durationMs = clock.monotonicMs() - startedAtMs;
  const verdict: Verdict = {
    outcome,
    reason,
    durationMs,
    agreement: result.agreement,
    margin: result.margin,
    firstIndex: result.ended.find(({ end }) => end.kind === 'answered')?.lane ?? null,
    wasCutShort: false,
  };
  const winning = winner === null ? null : (lanes[winner.lane] as Lane);
  if (winning !== null) winning.status = 'won';
  for (const lane of lanes) if (lane.status === 'running' || lane.status === 'waiting') lane.status = 'cancelled';
  const streaming = winner !== null && winner.answer.collected === null ? winning : null;

  async function settle(): Promise<void> {
    const reports = await result.settled;
    for (const report of reports) if (report.lane !== winning?.index) noteEnd(lanes[report.lane] as Lane, report);
    verdict.wasCutShort = reports.some(({ end }) => end.kind === 'cancelled');
    for (const lane of lanes) if (lane !== streaming) tell(race, lane, verdict);
  }
  const settled = settle();

  return {
    ...verdict,
    winner:
      winner === null || winning === null
        ? null
        : {
            lane: winning,
            collected: winner.answer.collected,
            completion:
              streaming === null
                ? winner.answer.completion
                : settledWith(winner.answer.completion, (end) => {
                    streaming.outcome = end.outcome;
                    void settled.then(() => tell(race, streaming, verdict));
                  }),
          },
    started: lanes.filter(({ startedAtMs: at }) => at !== null).length,
    invalid: lanes.filter(({ status }) => status === 'invalid').length,
    errors: lanes.flatMap(({ error }) => error ?? []),
    refusal: winner === null && lanes.every(({ refusal }) => refusal !== null) ? (lanes[0]?.refusal ?? null) : null,
    candidates: () => lanes.map(toCandidate),
    costUsd: () => costOf(plan),
    settled,
  };
}

async function follow(
  race: RunningRace,
  lane: Lane,
  request: ClientRequest,
  signal: AbortSignal,
): Promise<LaneEnd<LaneAnswer>> {
  const { gateway, order, rules, config, clock } = race;
  lane.status = 'running';
  lane.startedAtMs = clock.monotonicMs();
  race.onLane(toCandidate(lane));
  const end = await runLane(lane, signal, {
    gateway,
    request,
    order,
    rules,
    idleMs: config().deadlines.stream_idle_ms,
  });
  // Once it was told to end, it counts as cancelled, whatever it says.
  if (!signal.aborted) {
    noteEnd(lane, { lane: lane.index, end, startedAtMs: lane.startedAtMs, endedAtMs: clock.monotonicMs() });
    race.onLane(toCandidate(lane));
  }
  return end;
}

function costOf({ lanes, judge }: RacePlan): number | null {
  return [...lanes, ...(judge === null ? [] : [judge])].reduce<number | null>((sum, { part }) => {
    const cost = part.spent()?.costUsd ?? null;
    return sum === null || cost === null ? null : sum + cost;
  }, 0);
}

function winnerAttributes({ winner }: RaceEnd): SpanAttributes {
  if (winner === null) return {};
  const { index, decision } = winner.lane;
  return { 'signalbox.race.winner': index, 'signalbox.decision.id': decision.decisionId };
}

/** The same answer, with a word more when it is settled. */
function settledWith(completion: StreamCompletion, after: (end: StreamEnd) => void): StreamCompletion {
  return {
    ...completion,
    settle(end) {
      completion.settle(end);
      after(end);
    },
  };
}

function outcomeOf({ order, lanes }: RunningRace, winner: Decided['winner']): RaceOutcome {
  if (winner !== null) return 'decided';
  const isOpen = order.strategy === 'consensus' && !order.clientSignal.aborted;
  return isOpen && lanes.some(({ status }) => status === 'lost') ? 'no_consensus' : 'no_answer';
}
