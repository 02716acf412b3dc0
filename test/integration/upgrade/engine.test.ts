import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rolloutsChannel } from '../../../src/contracts/rollout.ts';
import { catalogueChannel } from '../../../src/contracts/index.ts';
import type { UpgradeAction } from '../../../src/contracts/upgrade-api.ts';
import type { Pool } from '../../../src/platform/postgres/pool.ts';
import type { NewObservation } from '../../../src/platform/store/rollout-observations.ts';
import { listRollouts } from '../../../src/platform/store/rollouts.ts';
import { recordCandidates } from '../../../src/platform/store/upgrade-candidates.ts';
import { silentLogger } from '../../../src/platform/telemetry/logger.ts';
import { createMetrics, type Metrics } from '../../../src/platform/telemetry/metrics.ts';
import { evidenceSchema } from '../../../src/upgrade/gate/evidence.ts';
import { createActions } from '../../../src/upgrade/rollouts/actions.ts';
import { createEngineRound } from '../../../src/upgrade/rollouts/engine.ts';
import { createRolloutMetrics } from '../../../src/upgrade/rollouts/metrics.ts';
import { createProposer } from '../../../src/upgrade/rollouts/propose-rollouts.ts';
import type { RolloutSettings } from '../../../src/upgrade/rollouts/settings.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import {
  addModel,
  addRollout,
  alarm,
  answers,
  countWaiting,
  easy,
  evenly,
  forgetRollouts,
  Killed,
  logOf,
  mortalPool,
  newestOf,
  nothing,
  observe,
  pairs,
  rolloutId,
  settingsOf,
  stateOf,
  statusesOf,
  untilUnlocked,
} from './rollout-support.ts';

let database: TestDatabase;
let pool: Pool;
let metrics: Metrics;

beforeEach(async () => {
  database = await createTestDatabase();
  pool = database.pool;
  metrics = createMetrics();
});
afterEach(() => database.drop());

const manual = settingsOf({ mode: 'approve' });
const log = silentLogger();

/** Rounds until nothing is left to do, as a process that is started anew for each. */
async function settle(settings: RolloutSettings = manual, db: Pool = pool): Promise<void> {
  const round = createEngineRound({ pool: db, settings: () => settings, log, metrics: createRolloutMetrics(metrics) });
  while ((await round(new AbortController().signal)) === 'again');
}

/** With the newest try of `new-2`. */
async function act(action: UpgradeAction, db: Pool = pool) {
  const perform = createActions({
    pool: db,
    settings: () => manual,
    log,
    metrics: createRolloutMetrics(metrics),
    onStep: () => undefined,
  });
  const id = (await newestOf(pool, 'new-2')) ?? rolloutId;
  return perform({ id, action, actor: 'ada', reason: 'because', dryRun: false });
}

function propose(db: Pool): Promise<number> {
  const counts = createRolloutMetrics(metrics);
  return createProposer({
    pool: db,
    settings: () => manual,
    log,
    metrics: counts,
    onProposed: () => undefined,
  }).propose();
}

async function approved(): Promise<void> {
  await addRollout(pool);
  await act('approve');
}

const good = { canary: false, control: false };

describe('the engine', () => {
  it('takes a good candidate all the way, and makes it stable in the place of the other', async () => {
    await approved();
    expect(await stateOf(pool)).toMatchObject({ state: 'shadow', share: 0.02 });
    await observe(pool, pairs(19));
    await settle();
    expect(await stateOf(pool)).toMatchObject({
      state: 'shadow',
      reason: expect.stringContaining('1 more pair') as string,
    });
    await observe(pool, pairs(1));
    await settle();
    expect(await stateOf(pool)).toMatchObject({ state: 'canary', stage: 0, share: 0.1 });
    await observe(pool, answers('control', 0.1, 60), answers('canary', 0.1, 5));
    await settle();
    expect(await stateOf(pool)).toMatchObject({ state: 'canary', stage: 1, share: 0.2 });
    await observe(pool, answers('canary', 0.2, 1));
    await settle();
    expect(await stateOf(pool)).toMatchObject({ stage: 2, share: 0.5 });
    expect(await statusesOf(pool)).toEqual({ 'old-1': 'stable', 'new-2': 'candidate' });
    await observe(pool, evenly(40, good));
    await settle();
    expect(await stateOf(pool)).toMatchObject({
      state: 'canary',
      stage: 2,
      reason: expect.stringMatching(/needs evidence .* about [\d,]+ more requests/) as string,
    });
    for (let round = 0; round < 12; round += 1) await observe(pool, evenly(250, good));
    await settle();
    expect(await stateOf(pool)).toMatchObject({ state: 'promoted', share: 1 });
    expect(await statusesOf(pool)).toEqual({ 'old-1': 'deprecated pinned', 'new-2': 'stable pinned' });
    expect(await countWaiting(pool)).toBe(0);
    expect(await logOf(pool)).toEqual([
      'propose -> proposed 0 by test',
      'approve proposed 0 -> shadow 0 by ada',
      'advance shadow 0 -> canary 0 by upgrade',
      'advance canary 0 -> canary 1 by upgrade',
      'advance canary 1 -> canary 2 by upgrade',
      'advance canary 2 -> promoted 0 by upgrade',
    ]);
    await act('rollback');
    expect(await stateOf(pool)).toMatchObject({ state: 'rolled_back', share: 0, reason: 'because' });
    expect(await statusesOf(pool)).toEqual({ 'old-1': 'stable', 'new-2': 'candidate' });
  });

  it('gives a candidate no more while it is not there for its requests, and remembers how long each kind of answer took', async () => {
    await approved();
    await observe(pool, pairs(20));
    await settle();
    const absences = answers('canary', 0.1, 3).map((answer) => ({
      ...answer,
      ...nothing,
      kind: 'unavailable' as const,
    }));
    const wholes = answers('control', 0.1, 7).map((answer) => ({ ...answer, streamed: false }));
    await observe(pool, absences, answers('control', 0.1, 30), wholes, answers('canary', 0.1, 5));
    await settle();
    expect(await stateOf(pool)).toMatchObject({
      state: 'canary',
      stage: 0,
      reason: 'answers 10%; needs room for its requests (unavailable: 3 of 8 (38%) against 0 of 37 (0%))',
    });
    const { rows } = await pool.query<{ evidence: unknown }>('select evidence from rollouts');
    const { control_latencies_ms: latencies } = evidenceSchema.parse(rows[0]?.evidence).canary;
    expect([latencies.stream.length, latencies.whole.length]).toEqual([30, 7]);
    // More answers than it takes for absences to be few among its requests.
    const untimed = answers('canary', 0.1, 150).map((answer) => ({ ...answer, latency_ms: null }));
    await observe(pool, untimed);
    await settle();
    expect(await stateOf(pool)).toMatchObject({ state: 'canary', stage: 1 });
  });

  it('rolls back at the observation that shows harm, and drops those behind it', async () => {
    await approved();
    await observe(pool, pairs(20));
    await settle();
    await observe(pool, answers('canary', 0.1, 50, true), answers('control', 0.1, 50, true));
    await settle();
    const state = await stateOf(pool);
    expect(state).toMatchObject({ state: 'rolled_back', share: 0 });
    // Each of the first bad events is the canary's: long before the 50th the bound is reached.
    expect(state?.reason).toMatch(
      /^errors: [2-9] of [2-9] \(100%\) against 0 of 0 \(-\); the evidence of harm has reached 1\/0\.03$/,
    );
    expect(await countWaiting(pool)).toBe(0);
    expect(await statusesOf(pool)).toEqual({ 'old-1': 'stable', 'new-2': 'candidate' });
    await observe(pool, answers('canary', 0.1, 5));
    await settle();
    expect(await countWaiting(pool)).toBe(0);
    expect((await logOf(pool)).at(-1)).toBe('harm canary 1 -> rolled_back 0 by upgrade');
  });

  it('holds advance alone', async () => {
    await approved();
    await act('hold');
    await observe(pool, pairs(30));
    await settle();
    expect(await stateOf(pool)).toMatchObject({ state: 'shadow', held: true });
    expect(await countWaiting(pool)).toBe(0);
    await act('resume');
    await settle();
    expect(await stateOf(pool)).toMatchObject({ state: 'canary', held: false });
    await act('hold');
    await observe(pool, answers('canary', 0.1, 20, true));
    await settle();
    expect(await stateOf(pool)).toMatchObject({ state: 'rolled_back', held: false });
  });

  it('takes steps of time without observations, and not before', async () => {
    const patient = settingsOf({ mode: 'approve', shadow: { min_hours: 1, min_pairs: 1 } });
    await approved();
    await observe(pool, pairs(1));
    await settle(patient);
    expect(await stateOf(pool)).toMatchObject({ state: 'shadow', reason: 'compared in pairs; needs 60 minutes' });
    await pool.query("update rollouts set stage_since = stage_since - interval '1 hour'");
    await settle(patient);
    expect(await stateOf(pool)).toMatchObject({ state: 'canary' });
  });

  it('ends what can no longer be tried', async () => {
    await approved();
    await pool.query("update models set listed = false where model_id = 'new-2'");
    await settle();
    expect(await stateOf(pool)).toMatchObject({
      state: 'rolled_back',
      reason: 'openai/new-2 is not offered any more',
    });
  });

  it.each([
    ['listed = false', 'openai/old-1 is not offered any more'],
    ["status = 'disabled'", 'openai/old-1 is disabled'],
    ["status = 'deprecated'", 'openai/old-1 is deprecated: there is no traffic to share'],
  ])('ends where what it would replace is gone (%s), and holds it against nobody', async (change, reason) => {
    await approved();
    await pool.query(`update models set ${change} where model_id = 'old-1'`);
    await settle();
    expect(await stateOf(pool)).toMatchObject({ state: 'rolled_back', reason });
    const { rows } = await pool.query('select fingerprint from rollouts');
    expect(rows).toEqual([{ fingerprint: '' }]);
  });

  it('keeps what it was when it did harm, so that it is not tried again as it is', async () => {
    await approved();
    await observe(pool, pairs(20, 'shadow'));
    await settle();
    expect(await stateOf(pool)).toMatchObject({ state: 'rolled_back' });
    const { rows } = await pool.query('select fingerprint from rollouts');
    expect(rows).toEqual([{ fingerprint: 'f' }]);
  });

  it('counts what went wrong in one conversation once, also in another process', async () => {
    await approved();
    await observe(pool, pairs(20));
    await settle();
    const inOne = answers('canary', 0.1, 10, true).map((answer) => ({ ...answer, unit: 'a' }));
    await act('hold');
    for (let round = 0; round < 3; round += 1) {
      await observe(pool, inOne);
      await settle();
    }
    expect(await stateOf(pool)).toMatchObject({ state: 'canary' });
    const { rows } = await pool.query('select test, unit from rollout_units');
    expect(rows).toEqual([{ test: 'errors', unit: 'a' }]);
    const { rows: evidence } = await pool.query(
      "select evidence -> 'canary' -> 'strata' -> 0 -> 'canary' as arm from rollouts",
    );
    expect(evidence).toMatchObject([{ arm: { requests: 30, errors: 30, counted: { errors: 1 } } }]);
    await observe(
      pool,
      answers('canary', 0.1, 10, true).map((answer, index) => ({ ...answer, unit: `b${index}` })),
    );
    await settle();
    expect(await stateOf(pool)).toMatchObject({ state: 'rolled_back' });
  });

  it('takes over a share that the configuration has changed, and stays where it is', async () => {
    await approved();
    await observe(pool, pairs(20));
    await settle();
    await pool.query("update rollouts set stage_since = stage_since - interval '1 hour'");
    const { rows: before } = await pool.query('select stage_since from rollouts');
    await observe(pool, answers('canary', 0.05, 3));
    await settle(
      settingsOf({
        mode: 'approve',
        canary: { shares: [0.05, 0.2, 0.5], min_hours: [9, 9, 9], min_answers: 1 },
      }),
    );
    expect(await stateOf(pool)).toMatchObject({ state: 'canary', stage: 0, share: 0.05 });
    expect((await pool.query('select stage_since from rollouts')).rows).toEqual(before);
    expect((await logOf(pool)).at(-1)).toBe('share canary 0 -> canary 0 by upgrade');
    expect(await countWaiting(pool)).toBe(0);
  });

  it('approves in the mode auto what needs nobody’s word, one in each place', async () => {
    await addRollout(pool);
    await settle(manual);
    expect(await stateOf(pool)).toMatchObject({ state: 'proposed' });
    await settle(settingsOf({ mode: 'auto', shadow: { share: 0 } }));
    expect(await stateOf(pool)).toMatchObject({ state: 'canary', stage: 0, share: 0.1 });
    expect(await logOf(pool)).toContain('approve proposed 0 -> canary 0 by auto');
  });

  it('leaves out what makes no sense, and goes on with the rest', async () => {
    await approved();
    await observe(pool, pairs(20));
    await settle();
    const odd: NewObservation[] = [
      ...answers('canary', 1, 1),
      ...answers('canary', 0.1, 1).map((observation) => ({ ...observation, bad: null })),
      ...pairs(1).map((observation) => ({ ...observation, pair: null })),
      ...answers('canary', 0.1, 1, false, '01900000-0000-7000-8000-00000000dead'),
    ];
    await observe(pool, odd, answers('canary', 0.1, 1));
    await settle();
    expect(await stateOf(pool)).toMatchObject({ state: 'canary', stage: 1 });
    expect(await countWaiting(pool)).toBe(0);
    const broken = await metrics.registry.getSingleMetric('signalbox_upgrade_broken_observations_total')?.get();
    expect(broken?.values[0]?.value).toBe(3);
  });

  it('is not stopped for one rollout by what is wrong with another', async () => {
    await approved();
    const other = '01900000-0000-7000-8000-000000000002';
    await addRollout(pool, other, ['next-2', 'last-1']);
    await pool.query('update rollouts set state = \'shadow\', evidence = \'{"version": "?"}\' where rollout_id = $1', [
      other,
    ]);
    await pool.query("update rollouts set created_at = now() + interval '1 minute' where rollout_id = $1", [rolloutId]);
    await observe(pool, pairs(20), pairs(1, 'neither', other));
    await settle();
    expect(await stateOf(pool)).toMatchObject({ state: 'canary' });
    expect(await countWaiting(pool)).toBe(1);
  });

  it('is one at a time, whichever process it is', async () => {
    await approved();
    await observe(pool, pairs(20), answers('canary', 0.1, 1), answers('canary', 0.2, 1));
    await Promise.all(Array.from({ length: 4 }, () => settle()));
    await settle();
    expect(await logOf(pool)).toEqual([
      'propose -> proposed 0 by test',
      'approve proposed 0 -> shadow 0 by ada',
      'advance shadow 0 -> canary 0 by upgrade',
      'advance canary 0 -> canary 1 by upgrade',
      'advance canary 1 -> canary 2 by upgrade',
    ]);
  });

  it('wakes routers with each step, and readers of the catalogue where a status changed', async () => {
    await addRollout(pool);
    const client = await pool.connect();
    const heard: string[] = [];
    client.on('notification', ({ channel }) => heard.push(channel));
    await client.query(`listen ${rolloutsChannel}`);
    await client.query(`listen ${catalogueChannel}`);
    await act('approve');
    await client.query('select 1');
    expect(heard).toEqual([rolloutsChannel]);
    await act('promote');
    await client.query('select 1');
    expect(heard.toSorted()).toEqual([catalogueChannel, rolloutsChannel, rolloutsChannel].toSorted());
    client.release(true);
  });

  it('counts what it decided and what became of it', async () => {
    await approved();
    await observe(pool, pairs(20));
    await settle();
    await observe(pool, answers('canary', 0.1, 20, true));
    await settle();
    const text = await metrics.text();
    expect(text).toContain('signalbox_upgrade_evaluations_total{result="advance"} 2');
    expect(text).toContain('signalbox_upgrade_evaluations_total{result="harm"} 1');
    expect(text).toContain('signalbox_upgrade_deployments_total{event="approve"} 1');
    expect(text).toContain('signalbox_upgrade_deployments_total{event="harm"} 1');
  });
});

describe('a kill', () => {
  const quick = settingsOf({ mode: 'approve', ...easy });
  const auto = settingsOf({ mode: 'auto', ...easy });
  /** What happens between two rounds of the engine. */
  const lives: Record<string, Array<(db: Pool) => Promise<unknown>>> = {
    'a good life': [
      (db) => act('approve', db),
      (db) => act('advance', db),
      () => observe(pool, answers('control', 0.1, 60), answers('canary', 0.1, 2), answers('canary', 0.2, 2)),
      (db) => settle(quick, db),
      () => observe(pool, evenly(60, good)),
      (db) => settle(quick, db),
      (db) => act('rollback', db),
    ],
    'a bad life': [
      (db) => act('approve', db),
      (db) => act('hold', db),
      (db) => act('resume', db),
      () => observe(pool, pairs(22)),
      (db) => settle(quick, db),
      () =>
        observe(
          pool,
          answers('canary', 0.1, 30, true).map((answer, index) => ({ ...answer, unit: `u${Math.floor(index / 3)}` })),
        ),
      (db) => settle(quick, db),
      (db) => act('retry', db),
      (db) => act('dismiss', db),
    ],
    'a promotion in doubt': [
      (db) => act('promote', db),
      () => alarm(pool, 'new-2'),
      (db) => settle(quick, db),
      (db) => settle(auto, db),
      (db) => act('retry', db),
      async () => {
        await addModel(pool, 'near-1');
        await pool.query("update models set status = 'deprecated' where model_id = 'old-1'");
      },
      (db) => propose(db),
    ],
  };
  const ends: Record<string, { states: string[]; last: string }> = {
    'a good life': { states: ['rolled_back'], last: 'rollback promoted 0 -> rolled_back 0 by ada' },
    'a bad life': { states: ['rolled_back', 'dismissed'], last: 'dismiss proposed 0 -> dismissed 0 by ada' },
    'a promotion in doubt': {
      states: ['rolled_back', 'withdrawn', 'proposed'],
      last: 'propose -> proposed 0 by upgrade',
    },
  };

  const discovered = {
    id: '01900000-0000-7000-8000-0000000000cc',
    provider: 'openai',
    modelId: 'new-2',
    preview: false,
    replaces: null,
    reason: 'is new',
  };

  async function live(
    steps: (typeof lives)[string],
    killIn: number | null,
    at: { statement: number; moment: 'before' | 'after' } | null,
  ) {
    await addRollout(pool);
    await recordCandidates(pool, [discovered], new Date());
    let statements = 0;
    for (const [index, step] of steps.entries()) {
      const mortal = mortalPool(pool, index === killIn ? at : null);
      try {
        await step(mortal.pool);
      } catch (error) {
        if (!(error instanceof Killed)) throw error;
      }
      if (mortal.isDead()) {
        await untilUnlocked(pool);
        // The next process. An operator, who got no answer, asks again; what was done already is refused.
        await step(pool).catch(() => undefined);
      }
      if (index === killIn) statements = mortal.statements();
    }
    const result = {
      log: await logOf(pool, null),
      states: (await listRollouts(pool, { limit: 9 })).map(({ state }) => state).reverse(),
      statuses: await statusesOf(pool),
      waiting: await countWaiting(pool),
      evidence: (await pool.query('select evidence from rollouts order by created_at')).rows as unknown[],
      units: (await pool.query('select test, unit from rollout_units order by test, unit')).rows as unknown[],
    };
    return { result, statements };
  }
  it.each(Object.keys(lives))(
    'at any statement of any step of %s repeats and skips nothing',
    { timeout: 300_000 },
    async (name) => {
      const steps = lives[name] ?? [];
      const { result: undisturbed } = await live(steps, null, null);
      const { states, log: taken, waiting } = undisturbed;
      expect({ states, last: taken.at(-1), waiting }).toEqual({ ...ends[name], waiting: 0 });
      let kills = 0;
      for (const killIn of steps.keys()) {
        await forgetRollouts(pool);
        const { statements } = await live(steps, killIn, null);
        for (let statement = 0; statement < statements; statement += 1) {
          // Before a statement the database is as it is after the one before.
          for (const moment of statement === 0 ? (['before', 'after'] as const) : (['after'] as const)) {
            await forgetRollouts(pool);
            const { result } = await live(steps, killIn, { statement, moment });
            expect(result, `killed ${moment} statement ${statement} of step ${killIn}`).toEqual(undisturbed);
            kills += 1;
          }
        }
      }
      expect(kills).toBeGreaterThan(30);
    },
  );
});

it('does not let a step happen to a model that is in use elsewhere', async () => {
  await approved();
  const other = '01900000-0000-7000-8000-000000000002';
  await addModel(pool, 'newest-3', { status: 'candidate' });
  await pool.query(
    `insert into rollouts (rollout_id, provider, model_id, control_provider, control_model_id, state, reason, fingerprint)
     values ($1, 'openai', 'newest-3', 'openai', 'old-1', 'proposed', '', '')`,
    [other],
  );
  const perform = createActions({
    pool,
    settings: () => manual,
    log,
    metrics: createRolloutMetrics(metrics),
    onStep: () => undefined,
  });
  const word = { id: other, actor: 'ada', reason: 'because', dryRun: false };
  for (const action of ['approve', 'promote'] as const) {
    await expect(perform({ ...word, action })).rejects.toThrow('new-2 is being tried in the place of openai/old-1');
  }
  await act('promote');
  await expect(perform({ ...word, action: 'approve' })).rejects.toThrow(
    'openai/old-1 is deprecated: there is no traffic to share',
  );
});
