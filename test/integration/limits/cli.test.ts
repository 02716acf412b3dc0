import { tmpdir } from 'node:os';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createCentral } from '../../../src/central/central.ts';
import type { Key, KeyWithSecret, Team } from '../../../src/contracts/keys.ts';
import { createLiveConfig } from '../../../src/platform/config/live.ts';
import { loadConfig } from '../../../src/platform/config/load.ts';
import { silentLogger } from '../../../src/platform/telemetry/logger.ts';
import { createMetrics } from '../../../src/platform/telemetry/metrics.ts';
import { runScript } from '../../support/child-process.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';

const masterKey = 'sb-master-key-5d1c9e8a27';

let database: TestDatabase;
let central: ReturnType<typeof createCentral>;
beforeAll(async () => {
  database = await createTestDatabase();
  const config = loadConfig({ env: {}, cwd: '/', flags: { ports: { central: 0 }, master_key: masterKey } });
  central = createCentral({
    ...database,
    config: createLiveConfig(config),
    log: silentLogger(),
    metrics: createMetrics(),
  });
  await central.start();
});
afterAll(async () => {
  await central.stop();
  await database.drop();
});

async function signalbox(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = runScript('src/cli/main.ts', [...args, '--url', `http://127.0.0.1:${central.port()}`], {
    cwd: tmpdir(),
    env: { PATH: process.env['PATH'], HOME: tmpdir(), NO_COLOR: '1', SIGNALBOX_MASTER_KEY: masterKey },
  });
  const code = await child.waitForExit();
  return { code, stdout: child.stdout(), stderr: child.stderr() };
}

const json = async <T>(...args: string[]): Promise<T> => {
  const { stdout } = await signalbox(...args, '--json');
  return JSON.parse(stdout) as T;
};

it('makes, shows, changes, rotates and revokes keys of a team', { timeout: 60_000 }, async () => {
  const team = await json<Team>('teams', 'create', 'web', '--budget', '$50', '--period', 'month', '--rpm', '600');
  expect(team).toMatchObject({ name: 'web', budget: { limit_usd: 50, period: 'month' }, requests_per_minute: 600 });

  const limits = ['--budget', '10', '--period', 'day', '--rpm', '60', '--tpm', '100000'];
  const scope = ['--models', 'gpt-*, claude-*', '--expires', '30d', '--team', 'web'];
  const made = await signalbox('keys', 'create', 'laptop', ...limits, ...scope);
  expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/^sk-sb-[\w-]{43}\n$/) as string });
  expect(made.stderr).toContain('cannot be shown again');

  const shown = await json<Key>('keys', 'show', 'laptop');
  expect(shown).toMatchObject({
    models: ['gpt-*', 'claude-*'],
    team: { name: 'web' },
    budget: { limit_usd: 10, period: 'day', remaining_usd: 10 },
    requests_per_minute: 60,
    tokens_per_minute: 100_000,
  });
  const inDays = (Date.parse(shown.expires_at ?? '') - Date.now()) / 86_400_000;
  expect(inDays).toBeCloseTo(30, 2);

  const listed = await signalbox('keys', 'list');
  expect(listed.stdout.split('\n')[0]).toMatch(/^NAME +KEY +TEAM +SCOPE +STATUS +BUDGET +SPENT +LEFT +RPM +TPM/);
  expect(listed.stdout).toMatch(
    /^laptop +sk-sb-\S{6}… +web +call +active +\$10\.00\/day +\$0\.00 +\$10\.00 +60 +100000 +gpt-/m,
  );
  expect((await signalbox('teams', 'list')).stdout).toMatch(/^web +1 +\$50\.00\/month +\$0\.00 +\$50\.00 +600 +- /m);

  const changed = await signalbox('keys', 'update', 'laptop', '--budget', '20', '--tpm', 'none', '--models', 'all');
  expect(changed.stdout).toMatch(/^budget +\$20\.00 a day$/m);
  expect(changed.stdout).toMatch(/^tokens +no limit$/m);
  expect(changed.stdout).toMatch(/^models +all$/m);
  expect(changed.stdout).toMatch(/^requests +60 a minute$/m);

  const rotated = await json<KeyWithSecret>('keys', 'rotate', 'laptop', '--grace', '24h');
  const graceHours = (Date.parse(rotated.previous_valid_until ?? '') - Date.now()) / 3_600_000;
  expect(graceHours).toBeCloseTo(24, 0);
  expect(rotated.key).not.toBe(made.stdout.trim());
  expect((await signalbox('keys', 'revoke', shown.key_id)).stdout).toMatch(/^laptop \(sk-sb-\S+…\) is revoked$/m);
  expect((await signalbox('teams', 'delete', 'web')).stdout).toBe('web is deleted\n');
});

it('lets the requests of a key be copied, or not', { timeout: 60_000 }, async () => {
  await signalbox('keys', 'create', 'plain');
  expect((await signalbox('keys', 'show', 'plain')).stdout).toMatch(/^may be copied +no$/m);
  await signalbox('keys', 'create', 'open', '--may-shadow', '--tradeoff', '0.25', '--scope', 'read');
  const open = (await signalbox('keys', 'show', 'open')).stdout;
  expect(open).toMatch(/^may be copied +yes$/m);
  expect(open).toMatch(/^trade-off +0\.25$/m);
  expect(open).toMatch(/^scope +read$/m);
  const { keys } = await json<{ keys: Key[] }>('keys', 'list');
  const told = keys.map(({ name, may_shadow: mayShadow }) => [name, mayShadow]);
  expect(told.filter(([name]) => name !== 'laptop')).toEqual([
    ['open', true],
    ['plain', false],
  ]);

  expect((await signalbox('keys', 'update', 'plain', '--may-shadow')).stdout).toMatch(/^may be copied +yes$/m);
  expect(await json('keys', 'update', 'open', '--tradeoff', 'none')).toMatchObject({ cost_quality_tradeoff: null });
  expect(await json('keys', 'update', 'plain', '--rpm', '5')).toMatchObject({ may_shadow: true });
  expect(await json('keys', 'update', 'plain', '--no-may-shadow')).toMatchObject({ may_shadow: false });
  for (const name of ['plain', 'open']) await signalbox('keys', 'revoke', name);
});

it('lists and finds keys by the page', { timeout: 60_000 }, async () => {
  await database.pool.query(
    `insert into virtual_keys (key_id, name, key_hash, key_prefix)
     select ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'many ' || n, sha256(n::text::bytea), 'sk-sb-' || n from generate_series(1, 1001) as n`,
  );
  const { stdout, stderr } = await signalbox('keys', 'list');
  expect(stdout.match(/^many /gm)).toHaveLength(1001);
  expect(stderr).toBe('1001 keys\n');
  expect(await json('keys', 'show', 'many 1')).toMatchObject({ name: 'many 1' });
  await database.pool.query('delete from virtual_keys');
});

it.each([
  [['keys', 'show', 'nobody'], 'error: no key is called nobody; see: signalbox keys list'],
  [['keys', 'create', 'a', '--period', 'day'], 'error: --period needs --budget'],
  [['keys', 'create', 'a', '--team', 'nobody'], 'error: no team nobody'],
  [['teams', 'show', 'nobody'], 'error: no team nobody'],
  [
    ['keys', 'create', 'a', '--rpm', '0'],
    /^error: option '--rpm <count>' argument '0' is invalid\. .* \(see --help\)$/,
  ],
  [
    ['keys', 'create', 'a', '--tradeoff', '1.5'],
    /^error: option '--tradeoff <number>' argument '1\.5' is invalid\. must be/,
  ],
  [['keys', 'create', 'a', '--expires', 'soon'], /^error: option '--expires <when>' argument 'soon' is invalid\. /],
])('%j fails with one line', async (args, message) => {
  const { code, stdout, stderr } = await signalbox(...args);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(stderr.trim()).toMatch(message);
});
