import type { RouteResponse } from '../../../../src/contracts/decision.ts';
import type { RaceCandidate, RaceResponse } from '../../../../src/contracts/race-api.ts';
import type { RaceStrategy } from '../../../../src/contracts/race.ts';
import { call, callJson } from '../../api/client.ts';
import { readEvents } from '../../api/read-events.ts';

export interface Question {
  prompt: string;
  /** From quality (0) to cost (1); null leaves it to the configuration. */
  tradeOff: number | null;
  signal: AbortSignal;
}

/** Who answers, as the headers of the answer say. */
export interface Answerer {
  decisionId: string | null;
  model: string | null;
  provider: string | null;
  attempts: number | null;
}

const tradeOffField = (tradeOff: number | null) => (tradeOff === null ? {} : { cost_quality_tradeoff: tradeOff });

/** Which model would answer, and why. */
export function explain({ prompt, tradeOff, signal }: Question): Promise<RouteResponse> {
  const body = { query: prompt, ...tradeOffField(tradeOff) };
  return callJson<RouteResponse>('/services/router/route', { method: 'POST', signal, body });
}

/** Asks `auto` and tells the answer piece by piece. */
export async function ask(
  { prompt, tradeOff, signal }: Question,
  on: { answerer(answerer: Answerer): void; text(piece: string): void },
): Promise<void> {
  const response = await call('/services/router/v1/chat/completions', {
    method: 'POST',
    signal,
    body: {
      model: 'auto',
      stream: true,
      messages: [{ role: 'user', content: prompt }],
      ...tradeOffField(tradeOff),
    },
  });
  const header = (name: string) => response.headers.get(`x-signalbox-${name}`);
  const attempts = header('attempts');
  on.answerer({
    decisionId: header('decision-id'),
    model: header('model'),
    provider: header('provider'),
    attempts: attempts === null ? null : Number(attempts),
  });
  await readEvents(response, ({ data }) => {
    if (data === '[DONE]') return;
    const chunk = JSON.parse(data) as {
      choices?: Array<{ delta?: { content?: string | null } }>;
      error?: { message: string };
    };
    if (chunk.error !== undefined) throw new Error(chunk.error.message);
    const piece = chunk.choices?.[0]?.delta?.content;
    if (piece != null) on.text(piece);
  });
}

/** Runs a race and tells what becomes of its lanes. */
export async function race(
  { prompt, tradeOff, signal, strategy }: Question & { strategy: RaceStrategy },
  on: {
    lanes(lanes: readonly RaceCandidate[]): void;
    lane(lane: RaceCandidate): void;
    text(piece: string): void;
    result(result: RaceResponse): void;
  },
): Promise<void> {
  const response = await call('/services/router/race', {
    method: 'POST',
    signal,
    body: { prompt, strategy, stream: true, ...tradeOffField(tradeOff) },
  });
  await readEvents(response, ({ name, data }) => {
    const value: unknown = JSON.parse(data);
    if (name === 'race') on.lanes((value as { lanes: RaceCandidate[] }).lanes);
    if (name === 'lane') on.lane(value as RaceCandidate);
    if (name === 'text') on.text((value as { text: string }).text);
    if (name === 'result') on.result(value as RaceResponse);
  });
}
