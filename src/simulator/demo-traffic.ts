import { createParser } from 'eventsource-parser';
import { z } from 'zod';
import { sleep } from '../platform/core/clock.ts';
import { messageOf } from '../platform/core/errors.ts';
import type { HealthCheck, Service } from '../platform/core/service.ts';
import type { Logger } from '../platform/telemetry/logger.ts';
import { createRandom, type Random } from '../statistics/random.ts';
import { demoPrompts, isRightAnswer } from './demo-prompts.ts';
import type { DemoPrompt } from './prompts/demo-prompt.ts';

/** Requests under way at once; what would come on top is skipped. */
const maxOpen = 32;
const requestTimeoutMs = 30_000;
/** Longer timers overflow. */
const maxPauseMs = 3_600_000;
const pinnedModels = ['gpt-6-luna', 'gpt-6-sol', 'claude-haiku-4-5'];

export interface DemoTrafficOptions {
  /** Origin of a router, such as `http://127.0.0.1:8001`. */
  baseUrl: string;
  apiKey?: string;
  /** Mean rate; requests come at random moments. 0 sends none. */
  requestsPerSecond: number;
  seed: number | string;
  log: Logger;
}

export interface DemoTrafficCounts {
  sent: number;
  answered: number;
  right: number;
  failed: number;
  skipped: number;
  feedback: number;
}

export interface DemoTraffic extends Service {
  counts(): DemoTrafficCounts;
}

/** One request as drawn, before it is sent. */
interface DemoRequest {
  entry: DemoPrompt;
  model: string;
  stream: boolean;
  givesFeedback: boolean;
}

const completionSchema = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string() }) })).min(1),
});
const chunkSchema = z.object({
  choices: z.array(z.object({ delta: z.object({ content: z.string().nullish() }) })).optional(),
});

function drawRequest(random: Random): DemoRequest {
  const entry = random.pick(demoPrompts);
  return {
    entry,
    model: random.chance(0.1) ? random.pick(pinnedModels) : 'auto',
    stream: random.chance(0.4),
    givesFeedback: random.chance(1 / 3),
  };
}

function bodyOf({ entry, model, stream }: DemoRequest): object {
  const content =
    entry.imageUrl === undefined
      ? entry.prompt
      : [
          { type: 'text', text: entry.prompt },
          { type: 'image_url', image_url: { url: entry.imageUrl } },
        ];
  return { model, messages: [{ role: 'user', content }], stream };
}

/** The text of an event stream of chat completion chunks; throws if the stream ends early or carries an error. */
async function readStream(body: ReadableStream<Uint8Array>): Promise<string> {
  let text = '';
  let isDone = false;
  const parser = createParser({
    onEvent({ data }) {
      if (data === '[DONE]') {
        isDone = true;
        return;
      }
      text += chunkSchema.parse(JSON.parse(data)).choices?.[0]?.delta.content ?? '';
    },
  });
  const decoder = new TextDecoder();
  for await (const chunk of body) parser.feed(decoder.decode(chunk, { stream: true }));
  if (!isDone) throw new Error('the stream ended early');
  return text;
}

/**
 * A modest stream of demo prompts to a router, as chat completions for `auto` (some pinned, streamed or with a picture).
 * For about a third of the answers it sends whether they were right to `POST /feedback`. `stop` aborts what is under way.
 */
export function createDemoTraffic(options: DemoTrafficOptions): DemoTraffic {
  const { baseUrl, apiKey, requestsPerSecond, seed, log } = options;
  const random = createRandom(`${seed}\ndemo`);
  const stopping = new AbortController();
  const open = new Set<Promise<void>>();
  const counts: DemoTrafficCounts = { sent: 0, answered: 0, right: 0, failed: 0, skipped: 0, feedback: 0 };
  let running: Promise<void> | undefined;

  async function post(path: string, body: object): Promise<Response> {
    const response = await fetch(new URL(path, baseUrl), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
      },
      body: JSON.stringify(body),
      signal: AbortSignal.any([stopping.signal, AbortSignal.timeout(requestTimeoutMs)]),
    });
    if (response.ok) return response;
    await response.body?.cancel();
    throw new Error(`${path} answered ${response.status}`);
  }

  async function send(request: DemoRequest): Promise<void> {
    counts.sent += 1;
    const response = await post('/v1/chat/completions', bodyOf(request));
    const answer =
      request.stream && response.body !== null
        ? await readStream(response.body)
        : (completionSchema.parse(await response.json()).choices[0]?.message.content ?? '');
    counts.answered += 1;
    const isRight = isRightAnswer(request.entry.prompt, answer) === true;
    if (isRight) counts.right += 1;
    const decisionId = response.headers.get('x-signalbox-decision-id');
    if (!request.givesFeedback || decisionId === null) return;
    const given = await post('/feedback', { decision_id: decisionId, score: isRight ? 1 : 0 });
    await given.body?.cancel();
    counts.feedback += 1;
  }

  async function sendCounted(request: DemoRequest): Promise<void> {
    try {
      await send(request);
    } catch (error) {
      if (stopping.signal.aborted) return;
      counts.failed += 1;
      log.debug({ reason: messageOf(error) }, 'demo request failed');
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      await sleep(Math.min(random.exponential(1000 / requestsPerSecond), maxPauseMs), stopping.signal);
      if (stopping.signal.aborted) break;
      const request = drawRequest(random);
      if (open.size >= maxOpen) {
        counts.skipped += 1;
        continue;
      }
      const sending = sendCounted(request).finally(() => open.delete(sending));
      open.add(sending);
    }
  }

  return {
    name: 'demo traffic',
    counts: () => ({ ...counts }),
    start() {
      if (requestsPerSecond > 0) running = run();
      return Promise.resolve();
    },
    async stop() {
      stopping.abort();
      await running;
      await Promise.all(open);
    },
    health(): HealthCheck {
      return { ok: true, detail: `${counts.answered} of ${counts.sent} answered, ${counts.failed} failed` };
    },
  };
}
