import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCentral } from '../../../src/central/central.ts';
import type { Candidate } from '../../../src/contracts/decision.ts';
import {
  type PolicyEvaluation,
  policyEvaluationSchema,
  type PolicyMeasure,
} from '../../../src/contracts/policy-evaluation.ts';
import { complexities, type Complexity } from '../../../src/contracts/query-class.ts';
import { createLiveConfig } from '../../../src/platform/config/live.ts';
import { loadConfig } from '../../../src/platform/config/load.ts';
import type { RoutingRecord } from '../../../src/platform/store/routing-records.ts';
import { silentLogger } from '../../../src/platform/telemetry/logger.ts';
import { createMetrics } from '../../../src/platform/telemetry/metrics.ts';
import { createRandom, type Random } from '../../../src/statistics/random.ts';
import { runScript } from '../../support/child-process.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import { newId } from './support.ts';

const masterKey = 'sb-master-key-2f7a90c1b4';
const judged = 8000;

interface SimulatedModel {
  name: string;
  score: number;
  costUsd: number;
  responseMs: number;
  /** Of each complexity: how often it succeeds, and how often the logging policy chooses it. */
  success: Record<Complexity, number>;
  chosen: Record<Complexity, number>;
}

const world: readonly SimulatedModel[] = [
  {
    name: 'small',
    score: 3,
    costUsd: 0.001,
    responseMs: 400,
    success: { simple: 0.9, medium: 0.7, complex: 0.4 },
    chosen: { simple: 0.9, medium: 0.3, complex: 0.1 },
  },
  {
    name: 'middle',
    score: 3.5,
    costUsd: 0.004,
    responseMs: 800,
    success: { simple: 0.92, medium: 0.8, complex: 0.6 },
    chosen: { simple: 0.06, medium: 0.6, complex: 0.6 },
  },
  {
    name: 'large',
    score: 4.5,
    costUsd: 0.01,
    responseMs: 1500,
    success: { simple: 0.95, medium: 0.9, complex: 0.85 },
    chosen: { simple: 0.04, medium: 0.1, complex: 0.3 },
  },
];

const large = world[2] as SimulatedModel;

function candidateOf(model: SimulatedModel, complexity: Complexity, total: number): Candidate {
  return {
    model: model.name,
    provider: 'sim',
    complexity_score: model.score,
    score_source: 'learned',
    estimated_cost_usd: model.costUsd,
    expected_ttft_ms: model.responseMs / 2,
    terms: { quality: 0, preference: 0, cost: 0, latency: 0, affinity: 0, total },
    probability: model.chosen[complexity],
  };
}

/** Of a decision in which nothing was tried out. */
function sureCandidate(model: SimulatedModel, complexity: Complexity, total: number): Candidate {
  const { probability: _none, ...candidate } = candidateOf(model, complexity, total);
  return candidate;
}

/** A decision of the logging policy, with what came of it. */
function decide(random: Random, timestamp: string, changes: Partial<RoutingRecord> = {}): RoutingRecord {
  const complexity = random.pick(complexities);
  let left = random.next();
  const served = world.find((model) => (left -= model.chosen[complexity]) < 0) ?? large;
  const ranked = world.toSorted((a, b) => b.chosen[complexity] - a.chosen[complexity]);
  const isGood = random.chance(served.success[complexity]);
  // A tenth of the outcomes is corrected by feedback; the truth stays.
  const hasFeedback = random.chance(0.1);
  return {
    timestamp,
    instance_id: 'test',
    complexity,
    model: served.name,
    provider: 'sim',
    score: served.score,
    outcome: hasFeedback || isGood ? 'success' : 'failure',
    response_time_ms: Math.round(random.logNormal(served.responseMs, 2 * served.responseMs)),
    capabilities_required: [],
    preference: null,
    decision_id: newId(),
    attempt: 0,
    origin: 'auto',
    propensity: served.chosen[complexity],
    expects_outcome: true,
    query_type: 'technical',
    requested_model: 'auto',
    response_model: null,
    streamed: false,
    input_tokens: 100,
    output_tokens: 100,
    cached_input_tokens: null,
    cache_write_tokens: null,
    reasoning_tokens: null,
    usage_estimated: false,
    cost_usd: served.costUsd * random.logNormal(1, 2),
    time_to_first_token_ms: null,
    http_status: null,
    error_code: null,
    policy_version: 'aaaaaaaaaaaa',
    feedback_score: hasFeedback ? Number(isGood) : null,
    rollout_id: null,
    rollout_arm: null,
    rollout_share: null,
    rollout_unit: null,
    predictor_version: null,
    predictor_arm: null,
    features_key: null,
    features: null,
    explanation: {
      summary: '',
      candidates: ranked.map((model, index) => candidateOf(model, complexity, 1 - index / 10)),
      excluded: [],
      excluded_counts: {},
    },
    ...changes,
  };
}

async function insert(records: readonly RoutingRecord[]): Promise<void> {
  const columns = Object.keys(records[0] ?? {}).join(', ');
  await database.pool.query(
    `insert into routing_records (${columns})
     select ${columns} from jsonb_populate_recordset(null::routing_records, $1::jsonb)`,
    [JSON.stringify(records)],
  );
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const logNormalMean = (p95: number): number => Math.exp((Math.log(p95) / 1.6448536269514722) ** 2 / 2);

/** What the policy that always takes the best score is worth in truth. */
const truth: Record<Exclude<PolicyMeasure, 'worth'>, number> = {
  success: mean(complexities.map((complexity) => large.success[complexity])),
  cost_usd: large.costUsd * logNormalMean(2),
  response_time_ms: large.responseMs * logNormalMean(2),
};
const always = { quality: 1, preference: 0, cost: 0, latency: 0, affinity: 0 };
const qualityOnly = { weights: always, exploration: { floor: 0 } };

const minutesAgo = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString();

let database: TestDatabase;
let central: ReturnType<typeof createCentral>;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'signalbox-policy-'));
  database = await createTestDatabase();
  // One log, of which 95% of the intervals must hold the truth; how often they do is tested beside the estimators.
  const random = createRandom('a log');
  const records: RoutingRecord[] = [];
  // Twenty at one moment, so that paging has to tell them apart by more than the time.
  for (let index = 0; index < judged; index += 1) {
    records.push(decide(random, new Date(Date.now() - 60_000 - 1000 * Math.floor(index / 20)).toISOString()));
  }
  const soon = minutesAgo(1);
  const explanation = { candidates: [], excluded: [] };
  for (let index = 0; index < 30; index += 1) {
    records.push(
      decide(random, soon, { outcome: 'cancelled' }),
      decide(random, soon, { outcome: 'routed' }),
      decide(random, soon, { propensity: null }),
      decide(random, soon, { explanation: null }),
      decide(random, soon, { explanation }),
      // Not of the window, or not the policy's own choice.
      decide(random, minutesAgo(60 * 24 * 20), { outcome: 'failure' }),
      decide(random, soon, { origin: 'pinned', outcome: 'failure', propensity: null }),
      decide(random, soon, { attempt: 1, origin: 'fallback', outcome: 'failure', propensity: null }),
    );
  }
  for (let start = 0; start < records.length; start += 1000) {
    await insert(records.slice(start, start + 1000));
  }
  const config = loadConfig({
    env: {},
    cwd: '/',
    flags: { ports: { central: 0 }, master_key: masterKey, consumer: { unknown_after_s: 3600 } },
  });
  central = createCentral({
    ...database,
    config: createLiveConfig(config),
    log: silentLogger(),
    metrics: createMetrics(),
  });
  await central.start();
});
afterAll(async () => {
  await central?.stop();
  await database?.drop();
  await rm(folder, { recursive: true, force: true });
});

const url = (): string => `http://127.0.0.1:${central.port()}`;

function ask(body: Record<string, unknown>, headers: Record<string, string> = {}, signal?: AbortSignal) {
  return fetch(`${url()}/policy/evaluate`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${masterKey}`, ...headers },
    body: JSON.stringify({ since: minutesAgo(60 * 24 * 7), ...body }),
    ...(signal === undefined ? {} : { signal }),
  });
}

async function evaluate(policy: object, more: Record<string, unknown> = {}): Promise<PolicyEvaluation> {
  const response = await ask({ policy, ...more });
  const answer: unknown = await response.json();
  expect(response.status, JSON.stringify(answer)).toBe(200);
  return policyEvaluationSchema.parse(answer);
}

describe('POST /policy/evaluate', () => {
  it('finds what a policy would have been worth that was never used', async () => {
    const evaluation = await evaluate(qualityOnly);
    expect(evaluation).toMatchObject({
      decisions: {
        used: judged,
        read: judged + 150,
        left_out: { cancelled: 30, no_outcome: 30, no_propensity: 30, no_candidates: 60 },
        limit_reached: false,
      },
      logged_policies: [{ policy_version: 'aaaaaaaaaaaa', decisions: judged }],
      unsupported_share: 0,
      unseen_share: 0,
      sure_share: 0,
      successes_per_usd: null,
      can_tell: true,
      warnings: [],
    });
    expect(evaluation.changed_share).toBeCloseTo(1 - 0.44 / 3, 1);
    expect(evaluation.measures.map(({ measure }) => measure)).toEqual(Object.keys(truth));
    for (const [index, value] of Object.values(truth).entries()) {
      const row = evaluation.measures[index];
      for (const estimate of [row?.snips, row?.doubly_robust]) {
        expect(estimate?.interval[0]).toBeLessThan(value);
        expect(estimate?.interval[1]).toBeGreaterThan(value);
        const difference = value - (row?.logged.value ?? 0);
        expect(estimate?.difference.interval[0]).toBeLessThan(difference);
        expect(estimate?.difference.interval[1]).toBeGreaterThan(difference);
      }
    }
    const [success] = evaluation.measures;
    expect(success?.logged.value).toBeCloseTo(
      mean(
        complexities.map((complexity) =>
          world.reduce((sum, model) => sum + model.chosen[complexity] * model.success[complexity], 0),
        ),
      ),
      1,
    );
    expect(evaluation.summary.join(' ')).toMatch(
      /The success rate would have been higher by .*The cost of a request would have been higher by/,
    );
  });

  it('weighs success against cost as the policy does', async () => {
    const weights = { ...always, cost: 0.35 };
    const { successes_per_usd: lambda, measures } = await evaluate({ weights, exploration: { floor: 0 } });
    expect(lambda).toBeCloseTo(8.575, 9);
    const [success, cost, , worth] = measures;
    expect(worth?.measure).toBe('worth');
    expect(worth?.logged.value).toBeCloseTo((success?.logged.value ?? 0) - 8.575 * (cost?.logged.value ?? 0), 9);
  });

  it('reads the newest decisions of the window, as many as it is told to', async () => {
    const evaluation = await evaluate(qualityOnly, { limit: 1234 });
    expect(evaluation.decisions).toMatchObject({ read: 1234, used: 1234 - 150, limit_reached: true });
    const earlier = await evaluate(qualityOnly, { until: minutesAgo(3) });
    expect(earlier.decisions.left_out).toEqual({});
    expect(earlier.decisions.read).toBeLessThan(judged);
  });

  it('gives no number where the data cannot tell', async () => {
    const few = await evaluate(qualityOnly, { limit: 400 });
    expect(few).toMatchObject({ can_tell: false, warnings: [expect.stringMatching(/effective sample size is \d\d,/)] });
    expect(few.measures.every((row) => row.snips === null && row.doubly_robust === null)).toBe(true);
    expect(few.summary.at(-1)).toBe('The data cannot tell what it would have been worth.');

    const refused = await evaluate({ allow: ['nothing'], ...qualityOnly }).catch(String);
    expect(refused).toContain('30 cancelled');
    expect(refused).toContain(`${judged} nothing_allowed`);
  });

  it('tells of a log in which nothing was tried out, or models were not allowed', async () => {
    const random = createRandom('sure');
    const from = minutesAgo(60 * 24 * 12);
    const sure = Array.from({ length: 400 }, (): RoutingRecord => {
      const record = decide(random, minutesAgo(60 * 24 * 11.5), { model: 'small', propensity: 1 });
      const candidates = world.map((model, index) => sureCandidate(model, record.complexity, 1 - index / 10));
      const excluded = [
        { model: 'huge', provider: 'sim', reason: 'not_allowed', detail: 'denied by the configuration' },
        { model: 'other', provider: 'sim', reason: 'not_allowed', detail: 'not among the models of the key' },
      ];
      return { ...record, explanation: { candidates, excluded } };
    });
    const ordered = sure.slice(0, 10).map((record): RoutingRecord => {
      const candidates = world.map((model, index) => sureCandidate(model, record.complexity, index / 10));
      return { ...record, decision_id: newId(), explanation: { candidates, excluded: [] } };
    });
    await insert([...sure, ...ordered]);
    const window = { since: from, until: minutesAgo(60 * 24 * 11) };

    const other = await evaluate({ ...qualityOnly, deny: ['huge'] }, window);
    expect(other).toMatchObject({ sure_share: 1, unsupported_share: 1, can_tell: false, unseen_share: 0 });
    expect(other.warnings[0]).toMatch(/^nothing was tried out in this window/);
    expect(other.decisions.left_out).toEqual({ provider_order: 10 });

    const same = await evaluate({ ...qualityOnly, allow: ['small'] }, window);
    expect(same).toMatchObject({ can_tell: true, unsupported_share: 0, changed_share: 0 });
    expect(same.warnings).toEqual([
      'nothing was tried out in this window; the candidate chooses as the logged policy did',
    ]);
    expect(same.summary).toContain('The success rate would have been the same.');

    const unseen = await evaluate({ ...qualityOnly, allow: ['small', 'sim/huge'] }, window);
    expect(unseen).toMatchObject({ can_tell: false, unseen_share: 1 });
    expect(unseen.warnings[0]).toContain('allows models that the logged policy did not');
  });

  it('is not misled by a rollout that took a share of the decisions', async () => {
    const random = createRandom('canary');
    const share = 0.4;
    const [smallest] = world as [SimulatedModel];
    const records = Array.from({ length: 4000 }, (): RoutingRecord => {
      const record = decide(random, minutesAgo(60 * 24 * 13.5));
      const { candidates } = record.explanation as { candidates: Candidate[] };
      // The small one is being replaced: a share of what it would have answered goes to another, which answers worse.
      const explanation = {
        candidates: candidates.map((candidate) =>
          candidate.model === 'small'
            ? { ...candidate, probability: (candidate.probability ?? 0) * (1 - share) }
            : candidate,
        ),
        excluded: [],
      };
      if (record.model !== 'small') return { ...record, explanation };
      const propensity = record.propensity ?? 0;
      if (!random.chance(share)) return { ...record, explanation, propensity: propensity * (1 - share) };
      const tried = { model: 'small-2', origin: 'canary', propensity: propensity * share } as const;
      return { ...record, ...tried, outcome: 'failure', feedback_score: null, explanation };
    });
    await insert(records);
    const window = { since: minutesAgo(60 * 24 * 14), until: minutesAgo(60 * 24 * 13) };
    const { decisions, warnings, measures } = await evaluate({ ...qualityOnly, allow: ['small'] }, window);
    expect(decisions).toMatchObject({ used: 4000, left_out: {} });
    // The weights of what is left are those of all that was decided.
    expect(warnings.filter((warning) => warning.includes('propensities'))).toEqual([]);
    const expected =
      complexities.reduce((sum, complexity) => sum + smallest.success[complexity], 0) / complexities.length;
    const success = measures.find(({ measure }) => measure === 'success');
    for (const estimate of [success?.snips, success?.doubly_robust]) {
      expect(Math.abs((estimate?.value ?? 0) - expected)).toBeLessThan(0.06);
      expect(estimate?.interval[0]).toBeLessThan(expected);
      expect(estimate?.interval[1]).toBeGreaterThan(expected);
    }
  });

  it('streams how far it is, does one at a time, and ends with its client', async () => {
    const lines = { accept: 'application/x-ndjson' };
    const response = await ask({ policy: qualityOnly }, lines);
    expect(response.headers.get('content-type')).toBe('application/x-ndjson');
    const second = await ask({ policy: qualityOnly });
    expect({ status: second.status, body: await second.json() }).toMatchObject({
      status: 409,
      body: { error: { code: 'conflict' } },
    });
    const parsed = (await response.text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { read?: number; evaluation?: unknown });
    const reads = parsed.flatMap(({ read }) => read ?? []);
    expect(reads).toEqual(reads.toSorted((a, b) => a - b));
    expect(reads.at(-1)).toBe(judged + 150);
    expect(policyEvaluationSchema.parse(parsed.at(-1)?.evaluation).decisions.used).toBe(judged);

    const leaving = new AbortController();
    const left = await ask({ policy: qualityOnly }, lines, leaving.signal);
    leaving.abort();
    await expect(left.text()).rejects.toThrow(/abort/);
    await expect.poll(async () => (await ask({ policy: qualityOnly, limit: 1 })).status).not.toBe(409);
  });

  it('asks for the key, and names what is wrong', async () => {
    expect((await ask({ policy: {} }, { authorization: 'Bearer wrong' })).status).toBe(401);
    const problemOf = async (body: Record<string, unknown>): Promise<unknown> => {
      const response = await ask(body);
      return { status: response.status, ...((await response.json()) as object) };
    };
    expect(await problemOf({ policy: { weights: { qualty: 1 } } })).toMatchObject({
      status: 400,
      error: { code: 'invalid_request', param: 'policy.weights', message: expect.stringContaining('qualty') as string },
    });
    expect(await problemOf({})).toMatchObject({ status: 400 });
    expect(await problemOf({ policy: {}, limit: 500_001 })).toMatchObject({ status: 400 });
    expect(await problemOf({ policy: {}, since: minutesAgo(0) })).toMatchObject({
      status: 404,
      error: {
        code: 'not_found',
        message: expect.stringMatching(/^there are no automatic decisions since /) as string,
      },
    });
  });
});

async function signalbox(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = runScript('src/cli/main.ts', ['policy', 'evaluate', ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: tmpdir(), NO_COLOR: '1', SIGNALBOX_MASTER_KEY: masterKey },
  });
  const code = await child.waitForExit();
  return { code, stdout: child.stdout(), stderr: child.stderr() };
}

async function fileOf(name: string, text: string): Promise<string> {
  await writeFile(path.join(folder, name), text);
  return name;
}

const candidateYaml = `
routing:
  weights: { quality: 1, preference: 0, cost: 0.05, latency: 0, affinity: 0 }
  exploration: { floor: 0.01 }
`;

describe('signalbox policy evaluate', () => {
  it('prints a table and what it means, or JSON', { timeout: 60_000 }, async () => {
    const policy = await fileOf('candidate.yaml', candidateYaml);
    const { code, stdout, stderr } = await signalbox('--policy', policy, '--url', url());
    expect(stderr).toContain(`${judged} of ${judged + 150} decisions judged; left out: 30 `);
    expect(code).toBe(0);
    const [header, success, snips] = stdout.split('\n');
    expect(header).toMatch(/^ +ESTIMATOR +CANDIDATE +95% +LOGGED +DIFFERENCE +95% +N +EFFECTIVE N$/);
    expect(success).toMatch(
      /^success rate +doubly robust +\d\d\.\d\d% +\d\d\.\d\d% … \d\d\.\d\d% +\d\d\.\d\d% +\+\d+\.\d\d pp +\+.* … .* pp +8000 +\d+$/,
    );
    expect(snips).toMatch(/^ +SNIPS +\d\d\.\d\d%/);
    expect(stdout).toMatch(/^worth +doubly robust/m);
    expect(stdout).toMatch(
      /^The candidate would have chosen another model than was served in \d\d% of 8000 decisions\.$/m,
    );
    expect(stdout).toMatch(/^Worth is success − 1\.22 × cost in USD/m);

    const asked = ['--policy', policy, '--since', '1h', '--limit', '500', '--json', '--url', url()];
    const json = await signalbox(...asked);
    expect(json).toMatchObject({ code: 0, stderr: '' });
    expect(policyEvaluationSchema.parse(JSON.parse(json.stdout)).decisions).toMatchObject({
      read: 500,
      limit_reached: true,
    });
  });

  it.each([
    ['a file that is not there', [], null, /^error: configuration file .*bad\.yaml does not exist$/],
    ['a file that is no YAML', [], 'routing: {', /^error: .*bad\.yaml: \S/],
    [
      'an unknown key',
      [],
      'routing:\n  weights:\n    qualty: 1\n',
      /^error: .*: routing\.weights\.qualty: unknown key \(line 3\)$/,
    ],
    [
      'a value out of bounds',
      [],
      'routing: { exploration: { floor: 2 } }',
      /^error: .*: routing\.exploration\.floor: /,
    ],
    ['no routing', [], 'log_level: info', /^error: bad\.yaml: has no section routing$/],
    [
      'no decisions',
      ['--until', '30d', '--since', '40d'],
      candidateYaml,
      /^error: there are no automatic decisions since \d{4}-/,
    ],
    [
      'a time that is none',
      ['--since', 'soon'],
      candidateYaml,
      /^error: option '--since <when>' argument 'soon' is invalid\./,
    ],
    [
      'nobody there',
      ['--url', 'http://127.0.0.1:9'],
      candidateYaml,
      /^error: nothing answers at http:\/\/127\.0\.0\.1:9; /,
    ],
  ])('fails with one line for %s', async (_, args, text, message) => {
    const name = 'bad.yaml';
    await rm(path.join(folder, name), { force: true });
    if (text !== null) await fileOf(name, text);
    const { code, stdout, stderr } = await signalbox('--url', url(), '--policy', name, ...args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr.trim()).toMatch(message);
  });
});
