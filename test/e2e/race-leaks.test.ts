import { Agent } from 'undici';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RaceResponse } from '../../src/contracts/race-api.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { patience } from './requests.ts';
import { hangs, type RacingUpstream, says, startRacingUpstream, learnsNothing } from './racing-upstream.ts';

const races = 5_000;
const atOnce = 32;

let raw: RacingUpstream;
let app: TestApp;
const warnings: Error[] = [];
const onWarning = (warning: Error): void => void warnings.push(warning);

beforeAll(async () => {
  raw = await startRacingUpstream(['alpha-1', 'beta-1']);
  app = await startTestApp({ config: { providers: [raw.upstream.provider], learner: learnsNothing } });
  process.on('warning', onWarning);
});
afterAll(async () => {
  process.off('warning', onWarning);
  await app.stop();
  await raw.upstream.stop();
});

/** What keeps the process going, by kind: timers, sockets, requests. */
function resources(): Record<string, number> {
  const counts: Record<string, number> = { Timeout: 0, TCPSocketWrap: 0 };
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

async function run(count: number): Promise<Record<string, number>> {
  const agent = new Agent({ connections: atOnce });
  const outcomes: Record<string, number> = {};
  let left = count;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (; left > 0;) {
        left -= 1;
        const { body } = await agent.request({
          origin: app.url('router'),
          path: '/race',
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ prompt: 'What is 6 times 7?', models: ['alpha-1', 'beta-1'] }),
        });
        const { outcome } = (await body.json()) as RaceResponse;
        outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
        raw.upstream.requests.length = 0;
      }
    }),
  );
  await agent.close();
  return outcomes;
}

it(`leaves no timer and no socket after ${races} races`, async () => {
  raw.plays = { 'alpha-1': hangs, 'beta-1': says('42') };
  await run(200);
  await expect.poll(() => raw.cutOff.length, patience).toBe(200);
  const before = resources();

  expect(await run(races)).toEqual({ decided: races });
  // Every loser's connection was closed.
  await expect.poll(() => raw.cutOff.length, patience).toBe(200 + races);
  await expect
    .poll(() => {
      const now = resources();
      return Math.max(
        (now['Timeout'] ?? 0) - (before['Timeout'] ?? 0),
        (now['TCPSocketWrap'] ?? 0) - (before['TCPSocketWrap'] ?? 0),
      );
    }, patience)
    .toBeLessThan(20);
  expect(warnings).toEqual([]);
}, 180_000);
