import type { FastifyReply, FastifyRequest } from 'fastify';
import type { RaceResponse } from '../../contracts/race-api.ts';
import { raceOptionsSchema, type RaceOptions } from '../../contracts/race-options.ts';
import type { RaceStrategy } from '../../contracts/race.ts';
import { sleep } from '../../platform/core/clock.ts';
import { SignalboxError } from '../../platform/core/errors.ts';
import type { RaceOrder } from '../racing/race-order.ts';
import type { RaceEnd } from '../racing/racing.ts';
import { questionOf } from '../surfaces/chat/read.ts';
import { chatSurface } from '../surfaces/chat/surface.ts';
import type { Body } from '../surfaces/surface.ts';
import { toDecisionRequest } from './decision-request.ts';
import type { StreamEnd } from '../upstream/follow-stream.ts';
import { withoutIdempotencyKey } from '../upstream/upstream.ts';
import { headersFor, queryOf, signalOfClient } from './client-request.ts';

/** What a client says of a race, wherever it says it. */
export interface AskedRace {
  strategy: RaceStrategy;
  models: readonly string[] | null;
  options: RaceOptions;
  /** Where in the body they stand, as errors name it. */
  optionsPath: '' | 'race.';
  maxCostUsd: number | null;
  /** The chat completion, with everything that is for the models. */
  chat: Body;
  /** The client takes a stream as it comes from the provider. */
  streams: boolean;
}

/** Names of all options of a race. */
export const raceOptionNames: ReadonlySet<string> = new Set(Object.keys(raceOptionsSchema.shape));

export function toRaceOrder(asked: AskedRace, request: FastifyRequest, reply: FastifyReply): RaceOrder {
  const { chat, streams, ...rest } = asked;
  // Lanes stream, so that the first content is seen.
  const body: Body = { ...chat, stream: true };
  const reading = chatSurface.read(body);
  return {
    ...rest,
    body,
    keepsUsage: !streams,
    question: questionOf(body),
    decisionRequest: toDecisionRequest(chatSurface, reading, request.caller, null),
    maxOutputTokens: reading.maxOutputTokens,
    caller: request.caller,
    // A key of the client's for repeats would make samples of one model copies of each other.
    headers: withoutIdempotencyKey(headersFor(request)),
    query: queryOf(request),
    span: request.span,
    clientSignal: signalOfClient(reply),
  };
}

/** The lanes have been paid for, and OpenAI's clients would repeat them by themselves. */
const doNotRepeat = { 'x-should-retry': 'false' };

/** What a client is told of a race that has no winner. */
export function lostRace(end: RaceEnd): SignalboxError {
  if (end.outcome === 'no_consensus') return new SignalboxError('no_consensus', end.reason, { headers: doNotRepeat });
  const lanes = end.candidates();
  const list = lanes.map(({ model, provider, reason, status }) => `${model} at ${provider}: ${reason ?? status}`);
  const message = `${end.reason} (${list.join('; ')})`;
  if (end.invalid > 0) return new SignalboxError('no_valid_answer', message, { headers: doNotRepeat });
  const [first] = end.errors;
  if (
    first !== undefined &&
    end.errors.length === lanes.length &&
    end.errors.every(({ code }) => code === first.code)
  ) {
    const waits = end.errors.flatMap(({ headers }) => headers['retry-after'] ?? []).map(Number);
    const headers: Record<string, string> = waits.length === 0 ? {} : { 'retry-after': String(Math.min(...waits)) };
    return new SignalboxError(first.code, message, { headers });
  }
  const reasons = new Set(lanes.map(({ reason }) => reason));
  if (reasons.has('out of time') || reasons.has('deadline_exceeded')) {
    return new SignalboxError('deadline_exceeded', message);
  }
  return new SignalboxError('upstream_failed', message);
}

/** The winner had shown its first content, so that the race was over, and then broke off. */
export function brokenOff({ outcome }: StreamEnd): SignalboxError {
  const code = outcome === 'timeout' ? 'deadline_exceeded' : 'upstream_failed';
  return new SignalboxError(code, 'the provider broke off the answer that had won the race');
}

/** Answers a race without a winner: with the providers' own words where all of them refused the request. */
export function refuseRace(end: RaceEnd, reply: FastifyReply): FastifyReply {
  reply.header('x-signalbox-attempts', String(end.started));
  if (end.refusal === null) throw lostRace(end);
  const { status, contentType, body } = end.refusal.relay;
  return reply.code(status).type(contentType).send(body);
}

/** Losers end at once; whoever asks what all lanes cost waits for it no longer than this. */
const endingMs = 250;

/** Waits until the cost of all lanes is known, within reason. */
export async function settledSoon({ settled }: RaceEnd): Promise<void> {
  const waited = new AbortController();
  await Promise.race([settled, sleep(endingMs, waited.signal)]);
  waited.abort();
}

export function raceHeaders(raceId: string, costUsd: number | null): Record<string, string> {
  return {
    'x-signalbox-race-id': raceId,
    ...(costUsd === null ? {} : { 'x-signalbox-cost-usd': costUsd.toFixed(8) }),
  };
}

export function toRaceResponse(
  raceId: string,
  strategy: RaceStrategy,
  end: RaceEnd,
  answer: RaceResponse['answer'],
): RaceResponse {
  const candidates = end.candidates();
  return {
    race_id: raceId,
    strategy,
    outcome: end.outcome,
    reason: end.reason,
    selected: candidates.find(({ status }) => status === 'won') ?? null,
    candidates,
    agreement_score: end.agreement,
    margin: end.margin,
    cost_usd: end.costUsd(),
    duration_ms: Math.round(end.durationMs * 10) / 10,
    answer,
  };
}
