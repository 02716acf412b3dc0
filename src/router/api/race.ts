import type { ServerResponse } from 'node:http';
import type { z } from 'zod';
import {
  type RaceCandidate,
  type RaceResponse,
  raceRequestSchema,
  raceResponseSchema,
} from '../../contracts/race-api.ts';
import { raceOptionsSchema } from '../../contracts/race-options.ts';
import type { SignalboxError } from '../../platform/core/errors.ts';
import type { Live } from '../../platform/core/live.ts';
import type { ZodApp } from '../../platform/http/zod-app.ts';
import type { PreparedRace, RaceEnd, Racing } from '../racing/racing.ts';
import type { RaceOrder } from '../racing/race-order.ts';
import { answerText } from '../surfaces/chat/assemble.ts';
import { encodeEvent } from '../surfaces/event-stream.ts';
import { collectStream } from '../upstream/collect-stream.ts';
import {
  type AskedRace,
  brokenOff,
  lostRace,
  raceHeaders,
  raceOptionNames,
  refuseRace,
  settledSoon,
  toRaceOrder,
  toRaceResponse,
} from './race-order.ts';

export interface RaceRouteOptions {
  racing: Racing;
  streamIdleMs: Live<number>;
}

/** A client that leaves more of a stream lying is taken for gone. */
const mostUnreadBytes = 8 * 1024 * 1024;

/** `POST /race`: all that happens in a race, its answer among it. */
export function registerRace(app: ZodApp, options: RaceRouteOptions): void {
  app.post(
    '/race',
    {
      schema: {
        tags: ['routing'],
        summary: 'Ask several models at once, and take the first, the best or the common answer',
        body: raceRequestSchema,
        response: {
          200: raceResponseSchema.describe('Or, with `stream`, the events `race`, `lane`, `text`, `result`.'),
        },
      },
    },
    async (request, reply) => {
      const order = toRaceOrder(asked(request.body), request, reply);
      const race = await options.racing.prepare(order);
      if (request.body.stream === true) {
        reply.hijack();
        await streamRace(reply.raw, race, order, options);
        return reply;
      }
      const { response, end, error } = await finish(race, order, options);
      if (order.clientSignal.aborted) return reply.hijack();
      reply.headers(raceHeaders(race.raceId, response.cost_usd));
      if (end.winner === null && end.outcome !== 'no_consensus') return refuseRace(end, reply);
      if (error !== null) throw error;
      return response;
    },
  );
}

function asked(body: z.infer<typeof raceRequestSchema>): AskedRace {
  const { prompt, messages, models, strategy, stream: _, max_cost_usd: maxCostUsd, ...rest } = body;
  const own = Object.entries(rest).filter(([name, value]) => raceOptionNames.has(name) && value !== undefined);
  const chat = Object.entries(rest).filter(([name]) => !raceOptionNames.has(name));
  return {
    strategy,
    models: models ?? null,
    options: raceOptionsSchema.parse(Object.fromEntries(own)),
    optionsPath: '',
    maxCostUsd: maxCostUsd ?? null,
    chat: {
      ...Object.fromEntries(chat),
      model: 'race',
      messages: messages ?? [{ role: 'user', content: prompt }],
    },
    streams: false,
  };
}

const contentOf = ({ message, type, param, code }: SignalboxError) => ({ message, type, param, code });

interface Watcher {
  lane(candidate: RaceCandidate): void;
  text(piece: string): void;
}

/** Runs the race to the end of its answer. */
async function finish(
  race: PreparedRace,
  order: RaceOrder,
  { streamIdleMs }: RaceRouteOptions,
  watcher?: Watcher,
): Promise<{ response: RaceResponse; end: RaceEnd; error: SignalboxError | null }> {
  const end = await race.run(watcher === undefined ? undefined : (lane) => watcher.lane(lane));
  const { winner } = end;
  let document = winner?.collected?.document ?? null;
  let error = winner === null && end.outcome !== 'no_consensus' ? lostRace(end) : null;
  if (winner !== null && winner.collected === null) {
    const collected = await collectStream(winner.completion.answer, {
      signal: order.clientSignal,
      idleMs: streamIdleMs(),
      ...(watcher === undefined ? {} : { onText: (piece: string) => watcher.text(piece) }),
    });
    winner.completion.settle(collected.end);
    document = collected.document;
    winner.lane.output = answerText(document);
    if (collected.end.outcome !== 'success') error = brokenOff(collected.end);
  }
  await settledSoon(end);
  return { response: toRaceResponse(race.raceId, order.strategy, end, document), end, error };
}

async function streamRace(
  raw: ServerResponse,
  race: PreparedRace,
  order: RaceOrder,
  options: RaceRouteOptions,
): Promise<void> {
  const send = (name: string, data: unknown): void => {
    if (raw.destroyed) return;
    raw.write(encodeEvent(data, name));
    // Nobody reads: the lanes end with the connection.
    if (raw.writableLength > mostUnreadBytes) raw.destroy();
  };
  raw.writeHead(200, {
    ...raceHeaders(race.raceId, null),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
    'x-accel-buffering': 'no',
  });
  send('race', { race_id: race.raceId, strategy: order.strategy, timeout_ms: race.timeoutMs, lanes: race.lanes() });
  const { response, error } = await finish(race, order, options, {
    lane: (candidate) => send('lane', candidate),
    text: (piece) => send('text', { text: piece }),
  });
  send('result', error === null ? response : { ...response, error: contentOf(error) });
  raw.end();
}
