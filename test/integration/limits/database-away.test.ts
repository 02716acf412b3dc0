import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SignalboxError } from '../../../src/platform/core/errors.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../../src/platform/postgres/embedded.ts';
import { migrate } from '../../../src/platform/postgres/migrate.ts';
import { createPool, type Pool } from '../../../src/platform/postgres/pool.ts';
import { silentLogger } from '../../../src/platform/telemetry/logger.ts';
import { budgetOf, callerOf, makeKey, noSignal, startAdmission } from './support.ts';

let dataDir: string;
let server: EmbeddedPostgres;
let pool: Pool;

beforeAll(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), 'signalbox-limits-'));
  server = await startEmbeddedPostgres({ dataDir, log: silentLogger() });
  pool = createPool({
    connectionString: server.connectionString,
    applicationName: 'test',
    max: 4,
    log: silentLogger(),
  });
  await migrate(pool, { log: silentLogger() });
});
afterAll(async () => {
  await pool.end();
  await server.stop();
  await rm(dataDir, { recursive: true, force: true });
});

test('while PostgreSQL does not answer, who needs more than is held does not keep back who needs less', async () => {
  const { key } = await makeKey(pool, { budget: { limit_usd: 10, period: 'total' } });
  const admission = await startAdmission({ pool, connectionString: server.connectionString }, { wait_ms: 300 });
  const need = (costUsd: number) => ({ inputTokens: 1, outputTokens: 1, costUsd });
  (await admission.reserve(callerOf(admission, key), need(1), noSignal)).settle(null);
  const silence = await pool.connect();
  try {
    await silence.query('begin; lock table budget_leases in access exclusive mode');
    const large = Promise.resolve(admission.reserve(callerOf(admission, key), need(9), noSignal));
    const small = Promise.resolve(admission.reserve(callerOf(admission, key), need(0.5), noSignal));
    await expect(large).rejects.toMatchObject({ code: 'not_ready' });
    (await small).settle(null);
  } finally {
    await silence.query('rollback');
    silence.release();
    await admission.stop();
  }
}, 60_000);

test('while PostgreSQL is away, keys without limits go on, and limited ones with what they hold', async () => {
  const free = await makeKey(pool);
  const { key, keyId } = await makeKey(pool, { budget: { limit_usd: 10, period: 'total' } });
  const admission = await startAdmission({ pool, connectionString: server.connectionString }, { wait_ms: 300 });
  const need = (costUsd: number) => ({ inputTokens: 1, outputTokens: 1, costUsd });
  const first = await admission.reserve(callerOf(admission, key), need(1), noSignal);

  await server.stop();
  expect(admission.reserve(callerOf(admission, free.key), need(1), noSignal)).not.toBeInstanceOf(Promise);
  first.settle({ inputTokens: 1, outputTokens: 1, costUsd: 0.25 });
  // The three quarters that it gave back are still held here.
  const second = admission.reserve(callerOf(admission, key), need(0.5), noSignal);
  expect(second).not.toBeInstanceOf(Promise);
  (await second).settle({ inputTokens: 1, outputTokens: 1, costUsd: 0.5 });
  const refusal = await Promise.resolve()
    .then(() => admission.reserve(callerOf(admission, key), need(5), noSignal))
    .catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(SignalboxError);
  expect(refusal).toMatchObject({ code: 'not_ready', status: 503, headers: { 'retry-after': '1' } });

  server = await startEmbeddedPostgres({ dataDir, log: silentLogger() });
  await expect.poll(async () => (await budgetOf(pool, keyId)).spent, { timeout: 10_000 }).toBe(0.75);
  (await admission.reserve(callerOf(admission, key), need(5), noSignal)).settle(null);
  await admission.stop();
  expect(await budgetOf(pool, keyId)).toMatchObject({ spent: 0.75, leased: 0, granted: 0 });
}, 60_000);
