import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { UpgradeAction } from '../../../src/contracts/upgrade-api.ts';
import { SignalboxError } from '../../../src/platform/core/errors.ts';
import type { Pool } from '../../../src/platform/postgres/pool.ts';
import { silentLogger } from '../../../src/platform/telemetry/logger.ts';
import { createMetrics } from '../../../src/platform/telemetry/metrics.ts';
import { createActions } from '../../../src/upgrade/rollouts/actions.ts';
import { createEngineRound } from '../../../src/upgrade/rollouts/engine.ts';
import { createRolloutMetrics } from '../../../src/upgrade/rollouts/metrics.ts';
import { createProposer } from '../../../src/upgrade/rollouts/propose-rollouts.ts';
import type { RolloutSettings } from '../../../src/upgrade/rollouts/settings.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import {
  addCandidate,
  addModel,
  alarm,
  answers,
  forgetRollouts,
  Killed,
  mortalPool,
  newestOf,
  observe,
  pairs,
  settingsOf,
  stateOf,
  statusesOf,
  untilUnlocked,
} from './rollout-support.ts';

// Of a model and the one that it replaces, one is in use after every promotion and every rollback, and not both.

let database: TestDatabase;
let pool: Pool;
beforeEach(async () => {
  database = await createTestDatabase();
  pool = database.pool;
});
afterEach(() => database.drop());

const log = silentLogger();
const shadow = { min_hours: 0, min_pairs: 2 };
const approve = settingsOf({ mode: 'approve', shadow });
const auto = settingsOf({ mode: 'auto', shadow });

/** The service, as a process that is started anew for each word. */
function serviceOn(db: Pool, settings: RolloutSettings = approve) {
  const metrics = createRolloutMetrics(createMetrics());
  const nothing = () => undefined;
  return {
    async act(action: UpgradeAction, modelId: string) {
      const id = (await newestOf(pool, modelId)) ?? (await candidateIdOf(modelId));
      const perform = createActions({ pool: db, settings: () => settings, log, metrics, onStep: nothing });
      return perform({ id, action, actor: 'ada', reason: 'because', dryRun: false });
    },
    propose: () => createProposer({ pool: db, settings: () => settings, log, metrics, onProposed: nothing }).propose(),
    async settle() {
      const round = createEngineRound({ pool: db, settings: () => settings, log, metrics });
      while ((await round(new AbortController().signal)) === 'again');
    },
  };
}

async function candidateIdOf(modelId: string): Promise<string> {
  const { rows } = await pool.query<{ id: string }>('select id from upgrade_candidates where model_id = $1', [modelId]);
  return rows[0]?.id ?? '';
}

async function addLine(): Promise<void> {
  await addModel(pool, 'line-1');
  for (const id of ['line-2', 'line-3']) await addCandidate(pool, id);
}

async function retire(modelId: string, change: string): Promise<void> {
  await pool.query(`update models set ${change} where model_id = $1`, [modelId]);
}

const { act, propose, settle } = {
  act: (action: UpgradeAction, modelId: string) => serviceOn(pool).act(action, modelId),
  propose: () => serviceOn(pool).propose(),
  settle: () => serviceOn(pool).settle(),
};

it('a proposal is not promoted beside what has replaced its control meanwhile', async () => {
  await addLine();
  await propose();
  await act('promote', 'line-2');
  await expect(act('promote', 'line-3')).rejects.toThrow('openai/line-1 is deprecated');
  expect(await statusesOf(pool)).toEqual({
    'line-1': 'deprecated pinned',
    'line-2': 'stable pinned',
    'line-3': 'candidate',
  });
});

it('one that nobody has proposed yet takes the place of the older one of its family all the same', async () => {
  await addLine();
  expect(await act('promote', 'line-2')).toMatchObject({ from: 'proposed', to: 'promoted' });
  expect(await statusesOf(pool)).toMatchObject({ 'line-1': 'deprecated pinned', 'line-2': 'stable pinned' });
});

it('promotions are undone in the reverse of their order', async () => {
  await addLine();
  await propose();
  await act('promote', 'line-2');
  await propose();
  await act('promote', 'line-3');
  await expect(act('rollback', 'line-2')).rejects.toThrow(
    'openai/line-2 was replaced by line-3 since; roll that back first',
  );
  await act('rollback', 'line-3');
  expect(await statusesOf(pool)).toEqual({
    'line-1': 'deprecated pinned',
    'line-2': 'stable pinned',
    'line-3': 'candidate',
  });
  await act('rollback', 'line-2');
  expect(await statusesOf(pool)).toEqual({ 'line-1': 'stable', 'line-2': 'candidate', 'line-3': 'candidate' });
});

it.each([
  ['listed = false', 'openai/line-1 is not offered any more, and cannot take its place back'],
  ["status = 'disabled'", 'openai/line-1 is disabled, and cannot take its place back'],
])('a promotion stays where the model before it has gone (%s)', async (change, refusal) => {
  await addLine();
  await propose();
  await act('promote', 'line-2');
  await retire('line-1', change);
  await expect(act('rollback', 'line-2')).rejects.toThrow(refusal);
  expect(await statusesOf(pool)).toMatchObject({ 'line-2': 'stable pinned' });
});

it('what an operator has disabled is not in use again because it is replaced', async () => {
  await addLine();
  await propose();
  await act('approve', 'line-2');
  await retire('line-1', "status = 'disabled'");
  await act('promote', 'line-2');
  expect(await statusesOf(pool)).toMatchObject({ 'line-1': 'disabled', 'line-2': 'stable pinned' });
});

it('a trial that ends leaves one in use, also where an operator has made its candidate stable meanwhile', async () => {
  await addLine();
  await propose();
  await act('approve', 'line-2');
  await retire('line-2', "status = 'stable'");
  await act('advance', 'line-2');
  await observe(pool, answers('canary', 0.1, 20, true, await newestOf(pool, 'line-2')));
  await settle();
  expect(await stateOf(pool, await newestOf(pool, 'line-2'))).toMatchObject({ state: 'rolled_back' });
  expect(await statusesOf(pool)).toMatchObject({ 'line-1': 'stable', 'line-2': 'candidate' });
});

/** Something that happens to the line. Some of it is refused, most of the time. */
type Happening =
  | { what: UpgradeAction | 'pairs' | 'answers' | 'harm' | 'alarm'; model: 'line-2' | 'line-3' }
  | { what: 'round'; mode: 'approve' | 'auto' }
  | { what: 'propose' }
  | { what: 'retire'; model: 'line-1' | 'line-2' | 'line-3'; change: string };

const aModel = fc.constantFrom('line-2' as const, 'line-3' as const);
const anAction = fc.constantFrom<UpgradeAction>(
  'approve',
  'advance',
  'promote',
  'promote',
  'rollback',
  'rollback',
  'hold',
  'resume',
  'dismiss',
  'retry',
);
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ what: anAction, model: aModel }) },
  { weight: 4, arbitrary: fc.record({ what: fc.constantFrom('pairs', 'answers', 'harm', 'alarm'), model: aModel }) },
  {
    weight: 4,
    arbitrary: fc.record({ what: fc.constant('round' as const), mode: fc.constantFrom('approve', 'auto') }),
  },
  { weight: 3, arbitrary: fc.record({ what: fc.constant('propose' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constant('retire' as const),
      model: fc.constantFrom('line-1', 'line-2', 'line-3'),
      change: fc.constantFrom('listed = false', "status = 'disabled'", "status = 'deprecated'"),
    }),
  },
);
interface Kill {
  statement: number;
  moment: 'before' | 'after';
}
type Life = Array<{ happening: Happening; kill: Kill | null }>;
/** With the statement at which the process that does it is killed, if it is; then the next one does it. */
const aLife: fc.Arbitrary<Life> = fc.array(
  fc.record({
    happening,
    kill: fc.option(fc.record<Kill>({ statement: fc.nat(20), moment: fc.constantFrom('before', 'after') }), {
      freq: 4,
    }),
  }),
  { minLength: 5, maxLength: 25 },
);

/** Answers `'beside'` where an operator has put a model beside the others, in the place of none. */
async function happen(db: Pool, one: Happening): Promise<'beside' | void> {
  if (one.what === 'propose') await serviceOn(db).propose();
  else if (one.what === 'round') await serviceOn(db, one.mode === 'auto' ? auto : approve).settle();
  else if (one.what === 'retire') await retire(one.model, one.change);
  else if (one.what === 'alarm') await alarm(pool, one.model);
  else if (one.what === 'pairs' || one.what === 'answers' || one.what === 'harm') {
    const id = await newestOf(pool, one.model);
    if (id === undefined) return;
    const seen = { pairs: pairs(2, 'neither', id), answers: answers('canary', 0.2, 2, false, id) };
    await observe(pool, one.what === 'harm' ? answers('canary', 0.1, 20, true, id) : seen[one.what]);
  } else {
    const { statuses, rollout_id: id } = await serviceOn(db).act(one.what, one.model);
    if (id === null && statuses.length > 0) return 'beside';
  }
}

async function happenOnce(one: Happening, kill: Kill | null): Promise<'beside' | void> {
  const ignoreRefusal = (error: unknown): void => {
    if (!(error instanceof SignalboxError || error instanceof Killed)) throw error;
  };
  const mortal = mortalPool(pool, kill);
  const result = await happen(mortal.pool, one).catch(ignoreRefusal);
  if (!mortal.isDead()) return result;
  await untilUnlocked(pool);
  // The next process does it, unless it was done.
  return (await happen(pool, one).catch(ignoreRefusal)) ?? (await isBeside(one));
}

/** Whether it was what put a model beside the others, as far as can be told afterwards. */
async function isBeside({ what, ...rest }: Happening): Promise<'beside' | void> {
  const state = what === 'promote' && 'model' in rest ? await newestState(rest.model) : undefined;
  return state === 'withdrawn' ? 'beside' : undefined;
}

async function newestState(modelId: string): Promise<string | undefined> {
  return (await stateOf(pool, await newestOf(pool, modelId)))?.state;
}

async function lastSeq(): Promise<string> {
  const { rows } = await pool.query<{ seq: string }>('select coalesce(max(seq), 0) as seq from rollout_log');
  return rows[0]?.seq ?? '0';
}

/**
 * What is wrong with the statuses after the steps since `before`; `hasLost`: a provider or an operator has taken a model away,
 * which may leave none.
 */
async function problemsOf(hasLost: boolean, before: string): Promise<string[]> {
  const inUse = Object.entries(await statusesOf(pool)).filter(([, status]) => status.startsWith('stable'));
  const { rows } = await pool.query<{ step: string; candidate: string; control: string; offered: boolean }>(
    `select concat_ws(' ', event, from_state, '->', to_state) as step, candidate.status as candidate,
       control.status as control, control.listed and control.status <> 'disabled' as offered
     from rollout_log join rollouts using (rollout_id)
       join models candidate using (provider, model_id)
       join models control on (control.provider, control.model_id) = (control_provider, control_model_id)
     where seq > $1 and from_state is distinct from to_state order by seq desc limit 1`,
    [before],
  );
  const problems = rows.flatMap(({ step, candidate, control, offered }) => {
    // A trial ends where its control is in use no more, whoever is in use instead.
    const isSettled = / -> promoted$|promoted -> rolled_back$/.test(step) || (step.endsWith('rolled_back') && !hasLost);
    const isOne = (candidate === 'stable') !== (control === 'stable');
    return isSettled && offered && !isOne
      ? [`after ${step} the candidate is ${candidate}, the control ${control}`]
      : [];
  });
  if (inUse.length > 1 || (inUse.length === 0 && !hasLost)) problems.push(`in use: ${JSON.stringify(inUse)}`);
  return problems;
}

const lives: Record<string, Happening[]> = {
  'one after another, and back': [
    { what: 'promote', model: 'line-2' },
    { what: 'propose' },
    { what: 'promote', model: 'line-3' },
    { what: 'rollback', model: 'line-2' },
    { what: 'rollback', model: 'line-3' },
    { what: 'rollback', model: 'line-2' },
    { what: 'retry', model: 'line-3' },
  ],
  'a promotion in doubt': [
    { what: 'dismiss', model: 'line-2' },
    { what: 'promote', model: 'line-3' },
    { what: 'alarm', model: 'line-3' },
    { what: 'round', mode: 'approve' },
    { what: 'round', mode: 'auto' },
    { what: 'retry', model: 'line-3' },
    { what: 'approve', model: 'line-3' },
    { what: 'advance', model: 'line-3' },
    { what: 'harm', model: 'line-3' },
    { what: 'round', mode: 'auto' },
  ],
};

it('holds whatever happens, and whoever is killed meanwhile', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(aLife, async (life) => {
      await forgetRollouts(pool);
      await addLine();
      await propose();
      let hasLost = false;
      for (const { happening: one, kill } of life) {
        const before = await lastSeq();
        if ((await happenOnce(one, kill)) === 'beside') return;
        hasLost ||= one.what === 'retire';
        expect(await problemsOf(hasLost, before), JSON.stringify(one)).toEqual([]);
      }
    }),
    {
      numRuns: 40,
      examples: Object.values(lives).map((life): [Life] => [life.map((one) => ({ happening: one, kill: null }))]),
    },
  );
});

it.each([
  ['one after another, and back', { 'line-1': 'stable', 'line-2': 'candidate', 'line-3': 'candidate' }, 'proposed'],
  ['a promotion in doubt', { 'line-1': 'stable', 'line-2': 'candidate', 'line-3': 'candidate' }, 'rolled_back'],
])('%s', async (life, statuses, state) => {
  await addLine();
  await propose();
  for (const one of lives[life] ?? []) await happenOnce(one, null);
  expect(await statusesOf(pool)).toEqual(statuses);
  expect(await newestState('line-3')).toBe(state);
});
