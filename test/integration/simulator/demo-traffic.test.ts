import { createServer, type IncomingMessage, type Server } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/platform/telemetry/logger.ts';
import { defaultProfiles } from '../../../src/simulator/default-profiles.ts';
import { createDemoTraffic, type DemoTraffic } from '../../../src/simulator/demo-traffic.ts';
import type { Simulator } from '../../../src/simulator/simulator.ts';
import { startSimulator } from './simulation.ts';

interface Seen {
  path: string;
  authorization: string | undefined;
  body: { model?: string; stream?: boolean; messages?: { content: unknown }[]; decision_id?: string; score?: number };
}

let simulator: Simulator;
let router: Server | undefined;
let traffic: DemoTraffic | undefined;
afterEach(async () => {
  await traffic?.stop();
  router?.closeAllConnections();
  router?.close();
  await simulator.stop();
});

async function readBody(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}

/** The smallest of routers: `auto` is one good model, and feedback is taken. */
async function startRouter(seen: Seen[]): Promise<string> {
  const quality = { simple: 1, medium: 1, complex: 1 };
  simulator = await startSimulator({
    profiles: defaultProfiles.map((profile) => ({ ...profile, error_rate: 0, quality, dialects: ['openai'] })),
  });
  router = createServer((request, response) => {
    answer().catch(() => response.destroy());
    async function answer(): Promise<void> {
      const body = JSON.parse(await readBody(request)) as Seen['body'];
      const path = request.url ?? '';
      seen.push({ path, authorization: request.headers.authorization, body });
      if (path === '/feedback') return void response.writeHead(202).end();
      const upstream = await fetch(simulator.baseUrl + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: 'Bearer upstream' },
        body: JSON.stringify({ ...body, model: body.model === 'auto' ? 'gpt-6-sol' : body.model }),
      });
      const type = upstream.headers.get('content-type') ?? '';
      response.writeHead(upstream.status, { 'content-type': type, 'x-signalbox-decision-id': `d-${seen.length}` });
      response.end(await upstream.text());
    }
  });
  await new Promise<void>((resolve) => {
    router?.listen(0, '127.0.0.1', resolve);
  });
  const address = router.address();
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
}

describe('createDemoTraffic', () => {
  it('sends varied requests, judges the answers, and tells for a part of them', async () => {
    const seen: Seen[] = [];
    const baseUrl = await startRouter(seen);
    traffic = createDemoTraffic({ baseUrl, apiKey: 'sb-1', requestsPerSecond: 400, seed: 3, log: silentLogger() });
    await traffic.start();
    while (traffic.counts().answered < 120) await pause(5);
    await traffic.stop();

    const counts = traffic.counts();
    expect(counts).toMatchObject({ failed: 0, right: counts.answered });
    const chats = seen.filter(({ path }) => path === '/v1/chat/completions').map(({ body }) => body);
    expect(new Set(chats.map(({ model }) => model)).size).toBeGreaterThan(1);
    expect(chats.filter(({ model }) => model === 'auto').length).toBeGreaterThan(chats.length * 0.8);
    expect(chats.some(({ stream }) => stream === true)).toBe(true);
    expect(chats.some(({ messages }) => JSON.stringify(messages).includes('data:image/png;base64,'))).toBe(true);
    expect(seen.every(({ authorization }) => authorization === 'Bearer sb-1')).toBe(true);

    const given = seen.filter(({ path }) => path === '/feedback').map(({ body }) => body);
    expect(given.length).toBeGreaterThan(chats.length * 0.15);
    expect(given.length).toBeLessThan(chats.length * 0.5);
    expect(given.every(({ score, decision_id = '' }) => score === 1 && decision_id.startsWith('d-'))).toBe(true);
  });

  it('goes on through failures, and stops while requests are open', async () => {
    const baseUrl = await startRouter([]);
    const rule = (body: object) =>
      fetch(`${simulator.baseUrl}/sim/faults`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    await rule({ fault: 'http_500', times: 5 });
    await rule({ fault: 'stall:600000' });
    traffic = createDemoTraffic({ baseUrl, requestsPerSecond: 500, seed: 3, log: silentLogger() });
    await traffic.start();
    while (traffic.counts().skipped === 0) await pause(5);
    const { failed, sent } = traffic.counts();
    expect([failed, sent]).toEqual([5, 37]);
    await traffic.stop();
    expect(traffic.counts()).toMatchObject({ failed: 5, answered: 0 });
  });
});
