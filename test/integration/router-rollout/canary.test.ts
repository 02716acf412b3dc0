import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { RoutingDecision } from '../../../src/contracts/event.ts';
import { fails, hangs, says } from '../../e2e/racing-upstream.ts';
import { patience, postJson } from '../../e2e/requests.ts';
import { answerJson, beginStream, event, writeNow } from '../../e2e/upstream.ts';
import { ask, isEnded, many, models, type RolloutApp, startRolloutApp } from './support.ts';

let app: RolloutApp;
beforeAll(async () => {
  app = await startRolloutApp({
    deadlines: {
      first_token_ms: { simple: 1500, medium: 1500, complex: 1500 },
      complete_ms: { simple: 1500, medium: 1500, complex: 1500 },
    },
  });
});
afterAll(() => app.stop());
afterEach(() => app.reset());

const { control, candidate } = models;
const arms = (events: readonly RoutingDecision[]): string[] => events.map(({ rollout }) => rollout?.arm ?? 'none');

it('answers its share of the conversations, and labels the events of both arms', async () => {
  const share = 0.2;
  const rolloutId = await app.begin('canary', share);
  const count = 1000;
  const answers = await many(count, 16, (index) => ask(app, `conversation ${index}`));
  const canary = answers.filter(({ model }) => model === candidate).length;
  // Four standard deviations of a binomial.
  expect(Math.abs(canary - count * share)).toBeLessThan(4 * Math.sqrt(count * share * (1 - share)));
  expect(answers.filter(({ model }) => model === control)).toHaveLength(count - canary);

  const events = await app.events((all) => all.filter(isEnded).length === count);
  expect(events).toHaveLength(2 * count);
  for (const one of events) {
    const isCanary = one.selected_model === candidate;
    const unit = expect.stringMatching(/^[0-9a-f]{16}$/) as string;
    expect(one.rollout).toEqual({ rollout_id: rolloutId, arm: isCanary ? 'canary' : 'control', share, unit });
    expect(one.origin).toBe(isCanary ? 'canary' : 'auto');
    expect(one.propensity).toBeCloseTo(isCanary ? share : 1 - share, 12);
  }
  expect(events.filter((one) => isEnded(one) && one.rollout?.arm === 'canary')).toHaveLength(canary);
  // Each asked once, in a conversation of its own.
  expect(new Set(events.map(({ rollout }) => rollout?.unit)).size).toBe(count);
}, 120_000);

it('stays with its conversations, and keeps them as its share grows', async () => {
  const rolloutId = await app.begin('canary', 0.3);
  const turns = async () => (await many(60, 8, (index) => ask(app, `turn ${index}`))).map(({ model }) => model);
  const first = await turns();
  expect(await turns()).toEqual(first);
  await app.step(rolloutId, 'canary', 0.5);
  await app.untilKnown();
  const later = await turns();
  const canary = (list: ReadonlyArray<string | null>) =>
    list.flatMap((model, index) => (model === candidate ? [index] : []));
  expect(canary(later)).toEqual(expect.arrayContaining(canary(first)));
  expect(canary(later).length).toBeGreaterThan(canary(first).length);
});

it('stays with a conversation of Responses, whose name is another after each answer', async () => {
  let answers = 0;
  const answer: (typeof app.raw.plays)[string] = (response) => {
    answers += 1;
    answerJson(response, { id: `resp_${answers}`, object: 'response', status: 'completed', output: [] });
  };
  app.raw.plays = { [candidate]: answer, [control]: answer };
  await app.begin('canary', 0.5);
  const conversations = await many(12, 4, async (index) => {
    const said: Array<string | null> = [];
    let previous: string | null = null;
    for (let turn = 0; turn < 4; turn += 1) {
      const id = `resp_${index}_${turn}`;
      const response: Response = await postJson(
        `${app.routerUrl}/v1/responses`,
        { model: 'auto', input: `Hello ${id}`, ...(previous === null ? {} : { previous_response_id: previous }) },
        previous === null ? { 'x-session-id': `responses ${index}` } : {},
      );
      said.push(response.headers.get('x-signalbox-model'));
      previous = ((await response.json()) as { id: string }).id;
    }
    return new Set(said).size;
  });
  expect(conversations.every((size) => size === 1)).toBe(true);
});

it('leaves alone what is pinned, and advice', async () => {
  await app.begin('canary', 0.5);
  const pinned = await many(30, 8, (index) => ask(app, `pinned ${index}`, { model: control }));
  expect(new Set(pinned.map(({ model }) => model))).toEqual(new Set([control]));
  const advice = await many(30, 8, async (index) => {
    const response = await postJson(`${app.routerUrl}/route`, { query: 'Hello', session_id: `advice ${index}` });
    return ((await response.json()) as { model_id: string }).model_id;
  });
  expect(new Set(advice)).toEqual(new Set([control]));
  const events = await app.events((all) => all.length >= 90);
  expect(new Set(arms(events))).toEqual(new Set(['none']));
});

it('streams', async () => {
  app.raw.plays = { [candidate]: says('from the new one'), [control]: says('from the old one') };
  await app.begin('canary', 0.5);
  const answers = await many(20, 4, (index) => ask(app, `stream ${index}`, { stream: true }));
  for (const { model, text } of answers) {
    expect(text).toContain(model === candidate ? 'from the new one' : 'from the old one');
    expect(text).toContain('[DONE]');
  }
  expect(new Set(answers.map(({ model }) => model))).toEqual(new Set([control, candidate]));
});

describe('no request fails because of a candidate that', () => {
  it.each<[what: string, play: (typeof app.raw.plays)[string], errorCode: string]>([
    ['answers 500', fails(500), 'server'],
    ['does not take the request', fails(400), 'client'],
    ['is not there', fails(404), 'not_found'],
    ['may not be used', fails(403), 'auth'],
    ['is limited', fails(429), 'rate_limit'],
    ['hangs', hangs, 'timeout'],
    ['says nothing at all', () => new Promise(() => undefined), 'timeout'],
    ['resets the connection', (response) => void response.destroy(), 'network'],
    [
      'breaks off in the middle of an answer',
      (response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
        response.write('{"id":', () => response.destroy());
      },
      'network',
    ],
    [
      'sends garbage',
      (response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end('<html>');
      },
      'bad_response',
    ],
  ])(
    '%s',
    async (_, play, errorCode) => {
      app.raw.plays = { [candidate]: play, [control]: says('from the old one') };
      await app.begin('canary', 0.5);
      const count = 24;
      const answers = await many(count, 12, (index) => ask(app, `failing ${index}`));
      expect(answers.map(({ status, model }) => [status, model])).toEqual(
        Array.from({ length: count }, () => [200, control]),
      );
      expect(answers.every(({ text }) => text.includes('from the old one'))).toBe(true);
      const events = await app.events(
        (all) => all.filter((one) => isEnded(one) && one.outcome === 'success').length === count,
      );
      const failed = events.filter(({ outcome }) => outcome === 'failure' || outcome === 'timeout');
      expect(failed.length).toBeGreaterThan(0);
      for (const one of failed) {
        expect(one).toMatchObject({
          selected_model: candidate,
          attempt: 0,
          error_code: errorCode,
          rollout: { arm: 'canary' },
        });
      }
      // The control that steps in is no observation of the arm: it is another attempt.
      const steppedIn = events.filter((one) => one.outcome === 'success' && one.rollout?.arm === 'canary');
      expect(steppedIn.length).toBeGreaterThan(0);
      for (const one of steppedIn)
        expect(one).toMatchObject({ selected_model: control, attempt: 1, origin: 'fallback' });
    },
    30_000,
  );

  it('streams garbage', async () => {
    app.raw.plays = {
      [candidate]: async (response) => {
        beginStream(response);
        await writeNow(response, event('{not json'));
        response.end();
      },
      [control]: says('from the old one'),
    };
    await app.begin('canary', 0.5);
    const answers = await many(20, 8, (index) => ask(app, `garbage ${index}`, { stream: true }));
    expect(answers.every(({ status, text }) => status === 200 && text.includes('from the old one'))).toBe(true);
  });

  it('takes all the time there is, where the control needs most of it too', async () => {
    app.raw.plays = {
      [candidate]: hangs,
      [control]: async (response, body) => {
        await new Promise((resolve) => setTimeout(resolve, 700));
        await says('from the old one')(response, body);
      },
    };
    await app.begin('canary', 0.5);
    const answers = await many(10, 10, (index) => ask(app, `slow ${index}`, { stream: true }));
    expect(answers.every(({ status, text }) => status === 200 && text.includes('from the old one'))).toBe(true);
  }, 20_000);
});

it('refuses what every model refuses, in their own words, and blames the request', async () => {
  app.raw.plays = { [candidate]: fails(400), [control]: fails(400) };
  await app.begin('canary', 0.5);
  const answers = await many(20, 4, (index) => ask(app, `wrong ${index}`));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([400]));
  const events = await app.events(
    (all) => all.filter((one) => one.rollout?.arm === 'canary' && one.attempt === 1).length > 0,
  );
  const codes = events.filter(isEnded).map(({ error_code: code }) => code);
  // Of one that is left alone since the last test, the first may be spared.
  expect(new Set(codes.filter((code) => code !== 'spared'))).toEqual(new Set(['client']));
});

it('takes its provider from nobody', async () => {
  app.raw.plays = { [candidate]: fails(500) };
  await app.begin('canary', 0.5);
  await many(60, 1, (index) => ask(app, `ejected ${index}`));
  const metrics = await app.metrics.text();
  const ejected = metrics.split('\n').filter((line) => /ejected|ejection/.test(line) && line.endsWith(' 1'));
  expect(ejected.filter((line) => !line.includes(candidate))).toEqual([]);
  // Left alone for a while, its record is closed, and the control answers.
  const events = await app.events((all) => all.some(({ error_code: code }) => code === 'spared'));
  expect(events.find(({ error_code: code }) => code === 'spared')).toMatchObject({
    selected_model: candidate,
    outcome: 'cancelled',
    attempt: 0,
    rollout: { arm: 'canary' },
  });
});

describe('a rollback ends all calls within a second, under load,', () => {
  it.each([
    ['by its notification', true],
    ['though that is lost', false],
  ])(
    '%s',
    async (_, isHeard) => {
      const rolloutId = await app.begin('canary', 0.5);
      const times: number[] = [];
      app.raw.plays[candidate] = async (response, body) => {
        times.push(performance.now());
        await says('from the new one')(response, body);
      };
      const over = new AbortController();
      const load = many(8, 8, async (worker) => {
        const statuses: number[] = [];
        for (let turn = 0; !over.signal.aborted; turn += 1)
          statuses.push((await ask(app, `load ${worker} ${turn}`)).status);
        return statuses;
      });
      await expect.poll(() => times.length, patience).toBeGreaterThan(0);
      await app.step(rolloutId, 'rolled_back', 0, isHeard);
      const rolledBackAt = performance.now();
      await new Promise((resolve) => setTimeout(resolve, 2000));
      over.abort();
      expect(new Set((await load).flat())).toEqual(new Set([200]));
      expect(Math.max(...times) - rolledBackAt).toBeLessThan(1000);
    },
    20_000,
  );
});
