import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ChatCompletionRequest } from '../../contracts/openai.ts';
import type { RequestedRace } from '../race/requested-race.ts';
import type { Racing } from '../racing/racing.ts';
import { chatSurface } from '../surfaces/chat/surface.ts';
import type { Live } from '../../platform/core/live.ts';
import { collectStream } from '../upstream/collect-stream.ts';
import { brokenOff, raceHeaders, refuseRace, settledSoon, toRaceOrder } from './race-order.ts';
import { decisionHeaders, writeAnswer, writeStreamHead } from './write-answer.ts';

/** A chat completion whose `model` asks for a race; its options are under `race`. */
export async function answerRace(
  { strategy, models }: RequestedRace,
  request: FastifyRequest,
  reply: FastifyReply,
  { racing, streamIdleMs }: { racing: Racing; streamIdleMs: Live<number> },
): Promise<FastifyReply> {
  const { race: given, models: listed, max_cost_usd: maxCostUsd, ...chat } = request.body as ChatCompletionRequest;
  const streams = chat.stream === true;
  const order = toRaceOrder(
    {
      strategy,
      models: models ?? listed ?? null,
      options: given ?? {},
      optionsPath: 'race.',
      maxCostUsd: maxCostUsd ?? null,
      chat,
      streams,
    },
    request,
    reply,
  );
  const race = await racing.prepare(order);
  const end = await race.run();
  if (order.clientSignal.aborted && end.winner === null) return reply.hijack();
  const { winner } = end;
  if (winner === null) {
    reply.headers(raceHeaders(race.raceId, null));
    return refuseRace(end, reply);
  }
  const headers = {
    ...winner.completion.limitHeaders,
    ...decisionHeaders(winner.lane.decision),
    'x-signalbox-model': winner.completion.step.modelId,
    'x-signalbox-provider': winner.completion.step.providerName,
    'x-signalbox-attempts': String(end.started),
  };
  if (streams && winner.collected === null) {
    reply.hijack();
    Object.assign(headers, raceHeaders(race.raceId, null));
    await writeAnswer(reply.raw, winner.completion, headers, chatSurface, order.clientSignal, streamIdleMs());
    return reply;
  }
  const collected =
    winner.collected ??
    (await collectStream(winner.completion.answer, { signal: order.clientSignal, idleMs: streamIdleMs() }));
  if (winner.collected === null) winner.completion.settle(collected.end);
  await settledSoon(end);
  Object.assign(headers, raceHeaders(race.raceId, end.costUsd()));
  if (streams) {
    reply.hijack();
    writeStreamHead(reply.raw, winner.completion.answer, headers);
    // No more of it than what is kept of an answer.
    for (const chunk of collected.chunks) reply.raw.write(chunk);
    reply.raw.end();
    return reply;
  }
  if (collected.end.outcome !== 'success') {
    reply.headers(raceHeaders(race.raceId, null));
    throw brokenOff(collected.end);
  }
  return reply.headers(headers).type('application/json; charset=utf-8').send(collected.document);
}
