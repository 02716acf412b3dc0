import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { keysChannel } from '../../../src/contracts/keys.ts';
import { SignalboxError } from '../../../src/platform/core/errors.ts';
import type { Service } from '../../../src/platform/core/service.ts';
import { notify } from '../../../src/platform/postgres/notify.ts';
import { revokeKey } from '../../../src/platform/store/virtual-keys.ts';
import type { Admission, Need } from '../../../src/router/admission/admission.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import { callerOf, makeKey, makeTeam, noSignal, pause, startAdmission } from './support.ts';

let database: TestDatabase;
const running: Array<Admission & Service> = [];
beforeAll(async () => {
  database = await createTestDatabase();
});
afterEach(async () => {
  for (const admission of running.splice(0)) await admission.stop();
});
afterAll(() => database.drop());

async function start(): Promise<Admission & Service> {
  const admission = await startAdmission(database);
  running.push(admission);
  return admission;
}

/** Windows are PostgreSQL's minutes: a test of one must not begin at its end. */
async function awaitWindow(): Promise<void> {
  const { rows } = await database.pool.query<{ ms: number }>(
    "select (extract(epoch from date_trunc('minute', now()) + interval '1 minute' - now()) * 1000)::float8 as ms",
  );
  const leftMs = rows[0]?.ms ?? 0;
  if (leftMs < 8000) await pause(leftMs + 50);
}

const need: Need = { inputTokens: 60, outputTokens: 40, costUsd: null };
const spent = { inputTokens: 60, outputTokens: 40, costUsd: null };

async function admit(
  admission: Admission,
  key: string,
  what: Need = need,
): Promise<{ headers: Readonly<Record<string, string>> } | SignalboxError> {
  try {
    const reservation = await admission.reserve(callerOf(admission, key), what, noSignal);
    reservation.settle(what === need ? spent : null);
    return { headers: reservation.headers };
  } catch (error) {
    if (error instanceof SignalboxError) return error;
    throw error;
  }
}

describe('two instances', () => {
  it.each([
    { kind: 'requests', limits: { requests_per_minute: 50 }, owner: 'key', most: 50 },
    { kind: 'tokens', limits: { tokens_per_minute: 3000 }, owner: 'key', most: 30 },
    { kind: 'requests', limits: { requests_per_minute: 50 }, owner: 'team', most: 50 },
  ])(
    'admit no more than the $kind a minute of the $owner',
    { timeout: 40_000 },
    async ({ kind, limits, owner, most }) => {
      const teamId = owner === 'team' ? await makeTeam(database.pool, limits) : null;
      const keys = await Promise.all([1, 2].map(() => makeKey(database.pool, owner === 'key' ? limits : {}, teamId)));
      const first = keys[0]?.key ?? '';
      const instances = [await start(), await start()];
      await awaitWindow();
      const answers = await Promise.all(
        Array.from({ length: 200 }, async (_, index) => {
          await pause(index);
          const key = owner === 'team' ? (keys[index % 2]?.key ?? '') : first;
          return admit(instances[Math.floor(index / 2) % 2] as Admission, key);
        }),
      );
      const refused = answers.filter((answer) => answer instanceof SignalboxError);
      const admitted = answers.length - refused.length;
      expect(admitted).toBeLessThanOrEqual(most);
      // What two instances hold of the last share may suffice for neither.
      expect(admitted).toBeGreaterThanOrEqual(most - 2);
      for (const refusal of refused) {
        expect(refusal).toMatchObject({ code: 'rate_limited', status: 429 });
        expect(refusal.message).toContain(`the limit of the ${owner} is`);
        const { 'retry-after': after, ...headers } = refusal.headers;
        expect(Number(after)).toBeGreaterThan(0);
        expect(Number(after)).toBeLessThanOrEqual(60);
        expect(headers).toMatchObject({
          [`x-ratelimit-limit-${kind}`]: String(Object.values(limits)[0]),
          [`x-ratelimit-remaining-${kind}`]: '0',
          [`x-ratelimit-reset-${kind}`]: expect.stringMatching(/^(?:\d+m?s|1m0s)$/) as string,
        });
      }
    },
  );
});

it('gives back what a request held and did not use, and says what is left', async () => {
  const { key } = await makeKey(database.pool, { requests_per_minute: 3, tokens_per_minute: 1000 });
  const admission = await start();
  await awaitWindow();
  const caller = callerOf(admission, key);
  const [one, two, three] = [
    await admission.reserve(caller, { ...need, outputTokens: 840 }, noSignal),
    await admit(admission, key, need),
    await admit(admission, key, { ...need, outputTokens: 840 }),
  ];
  expect(one.headers).toMatchObject({
    'x-ratelimit-limit-requests': '3',
    'x-ratelimit-remaining-requests': '2',
    'x-ratelimit-limit-tokens': '1000',
    'x-ratelimit-remaining-tokens': '100',
  });
  expect(two).toMatchObject({ headers: { 'x-ratelimit-remaining-tokens': '0' } });
  expect(three).toMatchObject({ code: 'rate_limited' });
  one.settle({ inputTokens: 60, outputTokens: 0, costUsd: null });
  expect(await admit(admission, key, need)).toMatchObject({
    headers: { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-remaining-tokens': '740' },
  });
  expect(await admit(admission, key, need)).toMatchObject({ code: 'rate_limited' });
});

it('refuses at once what no window can hold', async () => {
  const { key } = await makeKey(database.pool, { tokens_per_minute: 50 });
  const admission = await start();
  const refusal = await admit(admission, key);
  expect(refusal).toMatchObject({ code: 'rate_limited' });
  expect((refusal as SignalboxError).message).toContain('the request may use 100; send less');
});

it('holds key and team, or neither', async () => {
  const teamId = await makeTeam(database.pool, { requests_per_minute: 1 });
  const { keyId, key } = await makeKey(database.pool, { requests_per_minute: 100 }, teamId);
  const admission = await start();
  await awaitWindow();
  const answers = [];
  for (let index = 0; index < 20; index += 1) answers.push(await admit(admission, key));
  expect(answers.filter((answer) => answer instanceof SignalboxError)).toHaveLength(19);
  await admission.stop();
  const { rows } = await database.pool.query<{ used: string }>('select used from rate_limits where key_id = $1', [
    keyId,
  ]);
  expect(Number(rows[0]?.used)).toBe(1);
});

describe('a key', () => {
  it('is refused everywhere within a second of its revocation, and when it expires', async () => {
    const revoked = await makeKey(database.pool);
    const expiring = await makeKey(database.pool, { expires_at: new Date(Date.now() + 700).toISOString() });
    const instances = [await start(), await start()];
    for (const admission of instances) {
      expect(callerOf(admission, revoked.key)).toMatchObject({ keyId: revoked.keyId, hasBudget: false });
      expect(callerOf(admission, expiring.key).keyId).toBe(expiring.keyId);
    }
    await revokeKey(database.pool, revoked.keyId);
    await notify(database.pool, keysChannel, '');
    const isRefused = (admission: Admission, key: string): boolean => {
      try {
        callerOf(admission, key);
        return false;
      } catch (error) {
        return error instanceof SignalboxError && error.code === 'unauthorized';
      }
    };
    for (const admission of instances) {
      await expect.poll(() => isRefused(admission, revoked.key), { timeout: 1000, interval: 10 }).toBe(true);
      await expect.poll(() => isRefused(admission, expiring.key), { timeout: 1500, interval: 20 }).toBe(true);
    }
  });

  it('is found as soon as it is made', async () => {
    const admission = await start();
    const { key, keyId } = await makeKey(database.pool, { models: ['gpt-*'] });
    await expect
      .poll(() => {
        try {
          return callerOf(admission, key);
        } catch {
          return null;
        }
      })
      .toMatchObject({ keyId, allowedModels: ['gpt-*'] });
  });
});
