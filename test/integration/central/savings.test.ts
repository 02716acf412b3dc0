import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Explanation } from '../../../src/contracts/decision.ts';
import type { Model } from '../../../src/contracts/model.ts';
import type { RaceResponse } from '../../../src/contracts/race-api.ts';
import { type Savings, savingsSchema } from '../../../src/contracts/savings.ts';
import { startSignalbox, startTestApp, type TestApp } from '../../support/app.ts';
import { getJson, postJson, user } from '../../e2e/requests.ts';

const floor = 0.9;
const models = ['gpt-6-luna', 'gpt-6-sol', 'claude-sonnet-5'];
const requests = 360;

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({
    config: {
      routing: {
        allow: models,
        quality_floor: floor,
        exploration: { enabled: true, floor: 0.5, max_share: 1, max_extra_cost: 1000 },
      },
      retries: { same_model: 0 },
    },
  });
});
afterAll(() => app?.stop());

let questions = 0;

/** An answer is kept for a while: asked for one decision more, it is another question. */
async function savings(more: Record<string, string> = {}): Promise<Savings> {
  questions += 1;
  const query = new URLSearchParams({ decisions: String(10_000 + questions), ...more });
  return savingsSchema.parse(await getJson(`${app.url('central')}/savings?${query.toString()}`));
}

const refusal = (query: string) => fetch(`${app.url('central')}/savings?${query}`);

it('says that there is nothing yet', async () => {
  const { requests: counted, spent, baseline, saved, quality, notes } = await savings();
  expect(counted).toEqual({ answered: 0, left_out: 0 });
  expect(spent.total_usd).toBe(0);
  expect([baseline, saved, quality.success, quality.quality_ratio]).toEqual([null, null, null, null]);
  expect(notes).toEqual(['no automatic request was answered in this time']);
  expect(await savings({ baseline: 'openai/gpt-6-sol' })).toMatchObject({
    baseline: { chosen_by: 'request', success_rate: null, cost_usd: 0 },
    saved: { usd: 0, share: null },
  });
});

it.each([
  ['baseline=nobody/nothing', 404, 'the catalogue has no model nobody/nothing'],
  ['hours=0', 400, 'hours'],
  ['hours=745', 400, 'hours'],
  ['hours=2&since=2026-01-01T00:00:00Z', 400, 'since'],
  ['since=2020-01-01T00:00:00Z', 400, 'must be at most 31 days ago'],
  ['decisions=50001', 400, 'decisions'],
])('%s is refused with %i', async (query, status, words) => {
  const response = await refusal(query);
  expect([response.status, await response.text()]).toEqual([status, expect.stringContaining(words)]);
});

interface RecordRow {
  attempt: number;
  origin: string;
  provider: string;
  model: string;
  complexity: string;
  outcome: string;
  propensity: number | null;
  input_tokens: number | null;
  cached_input_tokens: number | null;
  output_tokens: number | null;
  cost_usd: number | null;
  explanation: Explanation | null;
}

describe('after some traffic', () => {
  let told: Savings;
  let rows: RecordRow[];
  let race: RaceResponse;

  beforeAll(async () => {
    await app.providers.fail({ fault: 'http_500', model: 'gpt-6-luna', probability: 0.15 });
    for (let sent = 0; sent < requests; sent += 20) {
      const batch = Array.from({ length: 20 }, async (_, index) => {
        const messages = user(`${sent + index}: ${index % 2 === 0 ? 'what is one plus one?' : hardQuestion}`);
        // All of them, so that the usage is known to the last token.
        const body = { model: 'auto', messages, stream: index % 4 === 0 };
        await (await postJson(`${app.url('router')}/v1/chat/completions`, body)).text();
      });
      await Promise.all(batch);
    }
    // Not of the choice: a model that a client names, and a race.
    await (
      await postJson(`${app.url('router')}/v1/chat/completions`, { model: 'gpt-6-sol', messages: user('Hi') })
    ).text();
    const lanes = { prompt: 'What is 6 times 7?', models: models.slice(1), strategy: 'consensus', staged: false };
    race = (await (await postJson(`${app.url('router')}/race`, lanes)).json()) as RaceResponse;
    await vi.waitFor(
      async () => {
        told = await savings();
        const isCounted = told.requests.answered === requests && told.spent.race_losers_usd > 0;
        if (!isCounted) throw new Error('not all is counted yet');
      },
      { timeout: 20_000, interval: 100 },
    );
    ({ rows } = await app.database.pool.query<RecordRow>(
      `select attempt, origin, provider, model, complexity, outcome, propensity, input_tokens, cached_input_tokens,
         output_tokens, cost_usd, explanation from routing_records`,
    ));
  }, 60_000);

  const costOf = (of: readonly RecordRow[]): number => of.reduce((sum, row) => sum + (row.cost_usd ?? 0), 0);

  it('has spent what the records say', () => {
    const { spent } = told;
    const choices = rows.filter(({ origin }) => origin === 'auto');
    const fallbacks = rows.filter(({ origin }) => origin === 'fallback');
    expect(choices).toHaveLength(requests);
    expect(fallbacks.length).toBeGreaterThan(3);
    expect(spent.choices_usd).toBeCloseTo(costOf(choices), 9);
    expect(spent.fallbacks_usd).toBeCloseTo(costOf(fallbacks), 9);
    expect(spent.fallbacks_usd).toBeGreaterThan(0);
    const lost = race.candidates.filter(({ status }) => status !== 'won');
    expect(spent.race_losers_usd).toBeCloseTo(
      lost.reduce((sum, lane) => sum + (lane.cost_usd ?? 0), 0),
      9,
    );
    expect(spent.total_usd).toBeCloseTo(spent.choices_usd + spent.fallbacks_usd + spent.race_losers_usd, 12);
    expect(told.requests.left_out).toBe(0);

    const extra = choices.flatMap(({ outcome, provider, model, cost_usd: cost, explanation }) => {
      const candidates = explanation?.candidates ?? [];
      const served = candidates.find((one) => one.model === model && one.provider === provider);
      if (outcome !== 'success' || served === candidates[0]) return [];
      const bestShare = (candidates[0]?.estimated_cost_usd ?? Number.NaN) / (served?.estimated_cost_usd ?? Number.NaN);
      return [(cost ?? Number.NaN) * (1 - bestShare)];
    });
    expect(spent.explored).toBe(extra.length);
    expect(extra.length).toBeGreaterThan(20);
    expect(spent.exploration_usd).toBeCloseTo(
      extra.reduce((sum, one) => sum + one, 0),
      9,
    );
  });

  it('would have cost what the baseline’s prices say, of the same input and its own mean of output', async () => {
    const { baseline } = told;
    const model = await getJson<Model>(
      `${app.url('registry')}/models/${encodeURIComponent(`${baseline?.provider}/${baseline?.model}`)}`,
    );
    const answers = rows.filter(
      ({ origin, outcome }) => ['auto', 'fallback'].includes(origin) && outcome === 'success',
    );
    expect(answers).toHaveLength(requests);
    let expected = 0;
    for (const complexity of new Set(answers.map((row) => row.complexity))) {
      const asked = answers.filter((row) => row.complexity === complexity);
      const own = asked.filter((row) => row.model === baseline?.model);
      const output = own.length < 30 ? asked : own;
      const meanOutput = output.reduce((sum, row) => sum + (row.output_tokens ?? 0), 0) / output.length;
      for (const { input_tokens: input, cached_input_tokens: cached } of asked) {
        expected += ((input ?? 0) - (cached ?? 0)) * (model.costs.input_tokens_per_1k ?? Number.NaN);
        expected += (cached ?? 0) * (model.costs.cached_input_tokens_per_1k ?? Number.NaN);
        expected += meanOutput * (model.costs.output_tokens_per_1k ?? Number.NaN);
      }
    }
    expect(baseline?.chosen_by).toBe('estimate');
    expect(baseline?.cost_usd).toBeCloseTo(expected / 1000, 9);
    expect((baseline?.own_output ?? 0) + (baseline?.same_output ?? 0)).toBe(requests);
    expect(told.saved?.usd).toBeCloseTo((baseline?.cost_usd ?? 0) - told.spent.total_usd, 12);
    expect(told.saved?.share).toBeCloseTo((told.saved?.usd ?? 0) / (baseline?.cost_usd ?? 0), 12);
  });

  it('compares quality by the probabilities of the choices, and says whether the floor holds', async () => {
    // Where the floor itself chooses, no other model has a chance.
    const byChance = ({ explanation }: RecordRow): boolean =>
      (explanation?.candidates.filter(({ probability = 0 }) => probability > 0).length ?? 0) > 1;
    const choices = rows.filter((row) => row.origin === 'auto' && byChance(row));
    expect(choices.length).toBeGreaterThan(requests / 2);
    const good = (row: RecordRow): number => Number(row.outcome === 'success');
    const share = choices.reduce((sum, row) => sum + good(row), 0) / choices.length;
    // The model that fails is seen as such: against it the choices are better, against the others they are worse.
    const failing = await savings({ baseline: 'openai/gpt-6-luna' });
    const { quality } = failing;
    expect(quality.decisions).toEqual({ read: requests, used: choices.length, limit_reached: false });
    expect(quality.success?.value).toBeCloseTo(share, 9);
    const served = choices.filter(({ model }) => model === 'gpt-6-luna');
    const weights = served.map(({ propensity }) => 1 / (propensity ?? Number.NaN));
    const snips =
      served.reduce((sum, row, index) => sum + (weights[index] ?? 0) * good(row), 0) /
      weights.reduce((sum, weight) => sum + weight, 0);
    expect(quality.effective_sample_size).toBeGreaterThan(100);
    expect(quality.baseline_success_snips).toBeCloseTo(snips, 9);
    expect(quality.baseline_success?.value).toBeCloseTo(snips, 1);
    const [low, high] = quality.quality_ratio?.interval ?? [];
    expect(quality.quality_ratio?.value).toBeCloseTo(share / (quality.baseline_success?.value ?? 0), 9);
    expect(low).toBeLessThan(quality.quality_ratio?.value ?? 0);
    expect(high).toBeGreaterThan(quality.quality_ratio?.value ?? 2);
    expect(quality).toMatchObject({ floor, holds: true });
    expect(failing.baseline).toMatchObject({ model: 'gpt-6-luna', chosen_by: 'request' });

    const few = await savings({ baseline: 'openai/gpt-6-luna', decisions: '50' });
    expect(few.quality).toMatchObject({
      decisions: { read: 50, limit_reached: true },
      quality_ratio: null,
      holds: null,
    });
    expect(few.notes.join()).toContain('too few decisions say how good the baseline is');
    expect(few.spent).toEqual(failing.spent);
  });

  it('is told by the command, as JSON and for people', async () => {
    const args = ['savings', '--hours', '2', '--baseline', 'openai/gpt-6-sol', '--url', app.url('central')];
    const run = async (given: string[]) => {
      const child = startSignalbox(given, { NO_COLOR: '1' });
      return { code: await child.waitForExit(), stdout: child.stdout(), stderr: child.stderr() };
    };
    const json = await run([...args, '--json']);
    expect(savingsSchema.parse(JSON.parse(json.stdout)).spent).toEqual(told.spent);
    const { stdout, code } = await run(args);
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^${requests} automatic requests answered since `));
    for (const line of [
      /^chosen models +\$\S+ +\d+ trials cost \$\S+ (more|less) than the best would have$/m,
      /^gpt-6-sol for all +\$\S+ +as asked$/m,
    ]) {
      expect(stdout).toMatch(line);
    }
    expect(stdout).toMatch(/^floor 90\.0%: /m);
    const refused = await run(['savings', '--baseline', 'nobody', '--url', app.url('central')]);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('the catalogue has no model nobody') });
  });

  it('shows what the floor does in the metrics', async () => {
    const text = await (await fetch(`${app.url('router')}/metrics`)).text();
    const [, ratio] = /^signalbox_router_quality_ratio (\S+)$/m.exec(text) ?? [];
    expect(Number(ratio)).toBeGreaterThan(floor);
    expect(text).toMatch(/^signalbox_router_cost_quality_tradeoff_ratio \S+$/m);
    const settings = rows.flatMap(({ explanation }) => explanation?.trade_off ?? []);
    expect(settings).toHaveLength(requests);
    expect(new Set(settings.map(({ source }) => source))).toEqual(new Set(['quality_floor']));
  });

  it('leaves out what has no price, and says so', async () => {
    const patched = await fetch(`${app.url('registry')}/models/${encodeURIComponent('openai/gpt-6-luna')}`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ costs: { input_tokens_per_1k: null, output_tokens_per_1k: null } }),
    });
    expect(patched.status).toBe(200);
    await app.providers.reset();
    const ask = async (index: number) => {
      const body = { model: 'auto', models: ['gpt-6-luna'], messages: user(`Once more, ${index}`) };
      const response = await postJson(`${app.url('router')}/v1/chat/completions`, body);
      await response.text();
      return response.headers.get('x-signalbox-cost-usd');
    };
    let sent = 0;
    await expect.poll(async () => ask((sent += 1)), { timeout: 10_000 }).toBeNull();
    await expect.poll(async () => (await savings()).requests.left_out, { timeout: 10_000 }).toBe(1);
    const { requests: counted, notes } = await savings({ baseline: 'openai/gpt-6-sol' });
    expect(counted.answered).toBe(requests + sent - 1);
    expect(notes).toContain('1 answers of unknown price or usage are left out');
    const unpriced = await savings({ baseline: 'openai/gpt-6-luna' });
    expect(unpriced).toMatchObject({ baseline: { cost_usd: null }, saved: null });
    expect(unpriced.notes).toContain('the price of the baseline is unknown: set it in the catalogue');
  });
});

const hardQuestion =
  'prove that the algorithm below runs in O(n log n), derive the recurrence step by step, and compare its memory with a heap.';
