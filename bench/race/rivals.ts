import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { createRandom, type Random } from '../../src/statistics/random.ts';

/** A simulated model. Times in milliseconds. */
export interface Rival {
  name: string;
  ttft: { median: number; p95: number };
  perTokenMs: number;
  /** Probability that its answer is right. */
  accuracy: number;
}

/** One call as the provider saw it. */
export interface Call {
  /** Which question it was. */
  question: number;
  outputTokens: number;
  firstContentAtMs: number | null;
  /** When the other side closed the connection before the answer was over. */
  cutOffAtMs: number | null;
}

/** A provider of several models, in OpenAI's dialect, that remembers who asked for what, and when it was let go. */
export interface Rivals {
  url: string;
  takeCalls(): Call[];
  stop(): Promise<void>;
}

const answerTokens = 40;
export const inputTokens = 200;

export async function startRivals(rivals: readonly Rival[], seed: string): Promise<Rivals> {
  const random = createRandom(seed);
  let calls: Call[] = [];

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'GET') {
      const data = rivals.map(({ name }) => ({ id: name, object: 'model', created: 0, owned_by: 'bench' }));
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ object: 'list', data }));
      return;
    }
    const body = JSON.parse((await buffer(request)).toString()) as {
      model: string;
      messages: Array<{ content: string }>;
    };
    const rival = rivals.find(({ name }) => name === body.model);
    if (rival === undefined) throw new Error(`no rival ${body.model}`);
    const question = Number(/question (\d+)/.exec(body.messages[0]?.content ?? '')?.[1]);
    const call: Call = { question, outputTokens: 0, firstContentAtMs: null, cutOffAtMs: null };
    calls.push(call);
    response.on('close', () => {
      if (!response.writableEnded) call.cutOffAtMs = performance.now();
    });
    await write(response, call, rival, random);
  }

  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    takeCalls() {
      const taken = calls;
      calls = [];
      return taken;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function write(response: ServerResponse, call: Call, rival: Rival, random: Random): Promise<void> {
  const { median, p95 } = rival.ttft;
  const number =
    random.next() < rival.accuracy ? right(call.question) : right(call.question) + 1 + Math.floor(random.next() * 50);
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.flushHeaders();
  await pause(Math.min(random.logNormal(median, p95), 4 * p95));
  for (let token = 1; token <= answerTokens; token += 1) {
    if (response.destroyed) return;
    const content = token < answerTokens ? 'so ' : `it is ${number}`;
    response.write(eventOf({ choices: [{ index: 0, delta: { content }, finish_reason: null }] }));
    call.firstContentAtMs ??= performance.now();
    call.outputTokens = token;
    await pause(rival.perTokenMs);
  }
  const usage = { prompt_tokens: inputTokens, completion_tokens: answerTokens };
  response.write(eventOf({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }));
  response.end(`${eventOf({ choices: [], usage })}data: [DONE]\n\n`);
}

/** The right answer to a question. */
export function right(question: number): number {
  return question + 1000;
}

function eventOf(more: object): string {
  const head = { id: 'chatcmpl-bench', object: 'chat.completion.chunk', created: 0, model: 'bench' };
  return `data: ${JSON.stringify({ ...head, ...more })}\n\n`;
}
