import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Pool } from '../../../src/platform/postgres/pool.ts';
import { closeIncident, listIncidents } from '../../../src/platform/store/incidents.ts';
import { silentLogger } from '../../../src/platform/telemetry/logger.ts';
import { createMetrics } from '../../../src/platform/telemetry/metrics.ts';
import { createActions } from '../../../src/upgrade/rollouts/actions.ts';
import { createEngineRound } from '../../../src/upgrade/rollouts/engine.ts';
import { createRolloutMetrics } from '../../../src/upgrade/rollouts/metrics.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import {
  addRollout,
  alarm,
  forgetRollouts,
  logOf,
  rolloutId,
  settingsOf,
  stateOf,
  statusesOf,
} from './rollout-support.ts';

let database: TestDatabase;
let pool: Pool;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = database.pool;
});
beforeEach(() => forgetRollouts(pool));
afterAll(() => database.drop());

type Mode = 'off' | 'approve' | 'auto';
const log = silentLogger();
const metrics = createRolloutMetrics(createMetrics());

async function settle(mode: Mode, more: Record<string, unknown> = {}): Promise<void> {
  const round = createEngineRound({ pool, settings: () => settingsOf({ mode, ...more }), log, metrics });
  while ((await round(new AbortController().signal)) === 'again');
}

async function act(action: 'promote' | 'rollback'): Promise<void> {
  const perform = createActions({
    pool,
    settings: () => settingsOf({ mode: 'approve' }),
    log,
    metrics,
    onStep: () => undefined,
  });
  await perform({ id: rolloutId, action, actor: 'ada', reason: 'because', dryRun: false });
}

/** `new-2` in the place of `old-1`. */
async function promoted(): Promise<void> {
  await addRollout(pool);
  await act('promote');
}

async function close(): Promise<void> {
  for (const { incidentId } of await listIncidents(pool, { open: true, limit: 9 })) {
    await closeIncident(pool, incidentId, 'the provider said so');
  }
}

async function proposedFor(): Promise<string | null> {
  const { rows } = await pool.query<{ rollback_incident_id: string | null }>(
    'select rollback_incident_id from rollouts',
  );
  return rows[0]?.rollback_incident_id ?? null;
}

const inPlace = { 'old-1': 'deprecated pinned', 'new-2': 'stable pinned' };
const before = { 'old-1': 'stable', 'new-2': 'candidate' };

describe('a promotion', () => {
  it('is rolled back in the mode auto when its model becomes worse, with what was seen', async () => {
    await promoted();
    await settle('auto');
    expect(await stateOf(pool)).toMatchObject({ state: 'promoted' });
    await alarm(pool, 'new-2', 'complex');
    await settle('auto');
    expect(await stateOf(pool)).toMatchObject({
      state: 'rolled_back',
      share: 0,
      reason: expect.stringMatching(
        /^after the promotion it became worse in complex requests, from 95% to 40% successes \(incident [0-9a-f-]{36}\)$/,
      ) as string,
    });
    expect(await statusesOf(pool)).toEqual(before);
    expect((await logOf(pool)).at(-1)).toBe('rollback promoted 0 -> rolled_back 0 by upgrade');
    expect(await listIncidents(pool, { open: true, limit: 9 })).toHaveLength(1);
  });

  it('is proposed to be rolled back in the mode approve, once, until the incident is closed', async () => {
    await promoted();
    await alarm(pool, 'new-2');
    await settle('approve');
    await settle('approve');
    const [incident] = await listIncidents(pool, { open: true, limit: 9 });
    expect(await stateOf(pool)).toMatchObject({
      state: 'promoted',
      reason: expect.stringContaining('to be rolled back') as string,
    });
    expect(await proposedFor()).toBe(incident?.incidentId);
    expect(await statusesOf(pool)).toEqual(inPlace);
    await close();
    await settle('approve');
    await settle('approve');
    expect(await proposedFor()).toBeNull();
    expect((await logOf(pool)).slice(2)).toEqual([
      'alarm promoted 0 -> promoted 0 by upgrade',
      'all_clear promoted 0 -> promoted 0 by upgrade',
    ]);
    await alarm(pool, 'new-2');
    await settle('approve');
    await act('rollback');
    expect(await proposedFor()).toBeNull();
    expect(await statusesOf(pool)).toEqual(before);
  });

  it('is judged by alarms that came after it, also of an incident that was open before', async () => {
    await addRollout(pool);
    await alarm(pool, 'new-2');
    await act('promote');
    await settle('auto');
    expect(await stateOf(pool)).toMatchObject({ state: 'promoted' });
    await alarm(pool, 'other-1');
    await settle('auto');
    expect(await stateOf(pool)).toMatchObject({ state: 'promoted' });
    await alarm(pool, 'new-2');
    expect(await listIncidents(pool, { open: true, limit: 9 })).toHaveLength(2);
    await settle('auto');
    expect(await stateOf(pool)).toMatchObject({ state: 'rolled_back' });
  });

  it.each<[string, Mode, Record<string, unknown>, string]>([
    ['after the time of the watch', 'auto', {}, "update rollouts set stage_since = now() - interval '8 days'"],
    ['without a watch', 'auto', { watch_hours: 0 }, 'select 1'],
    ['in the mode off', 'off', {}, 'select 1'],
    ['where the other cannot serve', 'auto', {}, "update models set listed = false where model_id = 'old-1'"],
    ['where the other cannot serve', 'approve', {}, "update models set listed = false where model_id = 'old-1'"],
  ])('stays %s (%s)', async (_, mode, more, change) => {
    await promoted();
    await pool.query(change);
    await alarm(pool, 'new-2');
    await settle(mode, more);
    expect(await stateOf(pool)).toMatchObject({ state: 'promoted', reason: 'because' });
    expect(await proposedFor()).toBeNull();
    expect(await logOf(pool)).toHaveLength(2);
  });
});
