import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { KeyWithSecret } from '../../src/contracts/keys.ts';
import type { RaceResponse } from '../../src/contracts/race-api.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { type Attempt, getJson, patience, postJson } from './requests.ts';
import { hangs, type RacingUpstream, says, setPrices, startRacingUpstream, learnsNothing } from './racing-upstream.ts';

const names = ['alpha-1', 'beta-1', 'gamma-1'];

let raw: RacingUpstream;
let app: TestApp;

beforeAll(async () => {
  raw = await startRacingUpstream(names);
  app = await startTestApp({ config: { providers: [raw.upstream.provider], learner: learnsNothing } });
  for (const name of names) await setPrices(app, name);
});
afterAll(async () => {
  await app.stop();
  await raw.upstream.stop();
});
afterEach(() => raw.reset());

interface RecordedLane {
  model: string;
  decision_id: string;
  status: string;
  selected: boolean;
  finished_first: boolean;
  cost_usd: number | null;
  confidence: number | null;
  label: number | null;
  latency_ms: number | null;
  input_tokens: number | null;
  output_tokens: number | null;
  attempts: number;
}
interface RecordedRace {
  outcome: string | null;
  caller_id: string;
  agreement: number | null;
  cost_usd: number | null;
  lanes: RecordedLane[];
}

async function race(body: object, key?: string): Promise<RaceResponse> {
  const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };
  const response = await postJson(`${app.url('router')}/race`, { prompt: 'What is 6 times 7?', ...body }, headers);
  return (await response.json()) as RaceResponse;
}

async function recorded({ race_id }: RaceResponse): Promise<RecordedRace> {
  let found: RecordedRace | undefined;
  await expect
    .poll(async () => {
      const response = await fetch(`${app.url('central')}/races/${race_id}`);
      found = response.ok ? ((await response.json()) as RecordedRace) : undefined;
      return found?.lanes.map(({ status }) => status) ?? ['running'];
    }, patience)
    .not.toContain('running');
  return found as RecordedRace;
}

it('every lane is on record with its tokens, its price and what it came to', async () => {
  raw.plays = { 'alpha-1': says('41'), 'beta-1': says('42'), 'gamma-1': says('42') };
  const answer = await race({ models: names, strategy: 'consensus', extract: 'number', staged: false });
  const { lanes, ...whole } = await recorded(answer);
  expect(whole).toMatchObject({ outcome: 'decided', caller_id: 'none' });
  expect(whole.agreement).toBeCloseTo(2 / 3, 6);
  expect(whole.cost_usd).toBeCloseTo(0.00006, 9);
  expect(lanes.map(({ model, status, selected }) => [model, status, selected])).toEqual([
    ['alpha-1', 'lost', false],
    ['beta-1', expect.stringMatching(/won|lost/), expect.anything()],
    ['gamma-1', expect.stringMatching(/won|lost/), expect.anything()],
  ]);
  for (const lane of lanes) {
    expect(lane).toMatchObject({ input_tokens: 10, output_tokens: 5, attempts: 1 });
    expect(lane.cost_usd).toBeCloseTo(0.00002, 9);
  }
  // The learner is given what the others say of an answer: nobody's own word is evidence for it.
  const [alone, ...agreeing] = lanes;
  expect(alone?.label).toBeLessThan(0.1);
  for (const { label, confidence } of agreeing) {
    expect(label).toBeGreaterThan(0.4);
    expect(label).toBeLessThan(confidence ?? 0);
  }
  expect(lanes.filter(({ finished_first: isFirst }) => isFirst)).toHaveLength(1);

  // And so is each decision, where feedback finds it.
  const [lane] = lanes;
  const { attempts } = await getJson<{ attempts: Attempt[] }>(`${app.url('central')}/decisions/${lane?.decision_id}`);
  expect(attempts).toMatchObject([
    { origin: 'race', outcome: 'success', feedback_score: lane?.label, propensity: null },
  ]);
});

it('a loser is paid for, and is no failure', async () => {
  raw.plays = { 'alpha-1': hangs, 'beta-1': says('42') };
  const answer = await race({ models: ['alpha-1', 'beta-1'] });
  const { lanes, outcome } = await recorded(answer);
  expect(outcome).toBe('decided');
  expect(lanes).toMatchObject([
    { status: 'cancelled', label: null, confidence: null },
    { status: 'won', label: null, finished_first: true },
  ]);
  // It has read the prompt, at the least.
  expect(lanes[0]?.cost_usd).toBeGreaterThan(0);
  expect(answer.candidates[0]?.cost_usd).toBeCloseTo(lanes[0]?.cost_usd ?? 0, 9);
  const decision = `${app.url('central')}/decisions/${lanes[0]?.decision_id}`;
  expect(await getJson(decision)).toMatchObject({ attempts: [{ outcome: 'cancelled', error_code: null }] });
});

it('a lane that was not needed has a record, and cost nothing', async () => {
  raw.plays = { 'alpha-1': says('42'), 'beta-1': says('42') };
  const { lanes } = await recorded(await race({ models: names, strategy: 'consensus', extract: 'number' }));
  expect(lanes[2]).toMatchObject({ status: 'cancelled', latency_ms: null, attempts: 1 });
  expect(lanes[2]?.cost_usd ?? 0).toBe(0);
  const decision = `${app.url('central')}/decisions/${lanes[2]?.decision_id}`;
  await expect
    .poll(() => getJson(decision), patience)
    .toMatchObject({
      attempts: [{ outcome: 'cancelled', error_code: 'not_needed' }],
    });
});

it('all lanes are in the budget of the key, which is held for all of them before one is called', async () => {
  const make = async (limit: number): Promise<KeyWithSecret> =>
    (await (
      await postJson(`${app.url('central')}/keys`, { name: 'racer', budget: { limit_usd: limit, period: 'month' } })
    ).json()) as KeyWithSecret;
  const rich = await make(1);
  const poor = await make(0.0001);
  for (const { key } of [rich, poor]) {
    await expect
      .poll(async () => {
        const headers = { authorization: `Bearer ${key}` };
        return (await fetch(`${app.url('router')}/v1/models`, { headers })).status;
      }, patience)
      .toBe(200);
  }
  raw.plays = { 'alpha-1': says('41'), 'beta-1': says('42'), 'gamma-1': hangs };
  const answer = await race({ models: names, strategy: 'best', timeout_ms: 300, max_tokens: 100 }, rich.key);
  expect(answer.outcome).toBe('decided');
  const { lanes, caller_id } = await recorded(answer);
  expect(caller_id).toBe(rich.key_id);
  const cost = lanes.reduce((sum, lane) => sum + (lane.cost_usd ?? 0), 0);
  expect(cost).toBeGreaterThan(0.00004);
  expect(answer.cost_usd).toBeCloseTo(cost, 9);
  await expect
    .poll(async () => {
      const { budget } = await getJson<KeyWithSecret>(`${app.url('central')}/keys/${rich.key_id}`);
      return budget?.spent_usd;
    }, patience)
    .toBeCloseTo(cost, 8);

  // One lane fits into what is left, three do not.
  raw.reset();
  const refused = await race({ models: names, max_tokens: 40 }, poor.key);
  expect(refused).toMatchObject({ error: { code: 'budget_exceeded' } });
  expect(raw.upstream.requests).toHaveLength(0);
});

it('the same model twice has one vote', async () => {
  let sample = 0;
  raw.plays = {
    'alpha-1': (response, body) => {
      sample += 1;
      return says(sample < 3 ? '41' : '42')(response, body);
    },
    'beta-1': says('42'),
  };
  const answer = await race({
    models: ['alpha-1', 'alpha-1', 'beta-1'],
    strategy: 'consensus',
    extract: 'number',
    staged: false,
  });
  // Two of three lanes say 41, but they are one model: its word weighs as much as the other's.
  expect(answer).toMatchObject({ outcome: 'no_consensus', reason: 'no_consensus: tie' });
});
