import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evaluationsSchema, upgradeStepSchema } from '../../src/contracts/upgrade-api.ts';
import {
  addRollout,
  answers,
  countWaiting,
  impatient,
  newestOf,
  observe,
  pairs,
  rolloutId,
  stateOf,
} from '../integration/upgrade/rollout-support.ts';
import { until } from '../integration/registry/registry-under-test.ts';
import { postJson } from './requests.ts';
import { startSignalbox, startTestApp, type TestApp } from '../support/app.ts';

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp({
    // No refresh while the test runs: these models are nobody's, and would be unlisted.
    config: { registry: { refresh_ms: 3_600_000 }, upgrade: { ...impatient, mode: 'approve' } },
  });
  await addRollout(app.database.pool);
});
afterAll(() => app.stop());

async function upgrade(...args: string[]) {
  const child = startSignalbox(['upgrade', ...args, '--url', app.url('upgrade')]);
  const code = await child.waitForExit();
  return { code, stdout: child.stdout(), stderr: child.stderr() };
}

const pool = () => app.database.pool;

describe('signalbox upgrade', () => {
  it('takes a candidate through its life, and shows it', { timeout: 120_000 }, async () => {
    expect(await upgrade('status')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^openai\/new-2 in the place of openai\/old-1 {2}proposed\n {2}newer\n/) as string,
    });
    const dry = await upgrade('approve', 'new-2', '--reason', 'looks good', '--dry-run', '--json');
    expect(upgradeStepSchema.parse(JSON.parse(dry.stdout))).toMatchObject({ dry_run: true, to: 'shadow', share: 0.02 });
    expect(await stateOf(pool())).toMatchObject({ state: 'proposed' });

    expect(await upgrade('approve', 'openai/new-2', '-r', 'looks good', '--actor', 'ada')).toEqual({
      code: 0,
      stdout: 'openai/new-2 is shadow (was proposed; 2%)\n',
      stderr: '',
    });
    await observe(pool(), pairs(3));
    await until(async () => (await countWaiting(pool())) === 0);
    expect((await upgrade('status')).stdout).toMatch(
      /\n {2}3 of 20 copies in \d minutes\. Copied are .* signalbox upgrade advance new-2 --reason "…"\n/,
    );
    expect(await upgrade('advance', 'new-2', '-r', 'nothing else is copied', '--actor', 'ada')).toMatchObject({
      code: 0,
      stdout: 'openai/new-2 is canary (was shadow; 10%)\n',
    });
    await observe(pool(), answers('control', 0.1, 60), answers('canary', 0.1, 3), answers('canary', 0.2, 2, true));
    await until(async () => (await stateOf(pool()))?.stage === 2);
    expect((await upgrade('hold', 'new-2', '-r', 'it is Friday')).stdout).toBe('openai/new-2 is canary (50%, held)\n');

    const { stdout } = await upgrade('status', rolloutId);
    expect(stdout).toMatch(/canary · stage 3 of 3 · 50% held/);
    expect(stdout).toMatch(/errors +[█░]{12} +-?\d+\.\d\/3\.5 +[█░]{12} +-?\d+\.\d\/3\.7 +40% \[/);
    expect(stdout).toMatch(/3 pairs · 5 and 60 answers/);
    const json = await upgrade('status', '--json');
    expect(evaluationsSchema.omit({ count: true }).parse(JSON.parse(json.stdout)).evaluations).toHaveLength(1);

    const watching = startSignalbox(['upgrade', 'watch', 'new-2', '--interval', '100', '--url', app.url('upgrade')]);
    await until(() => Promise.resolve(watching.stdout() !== ''));
    expect(await upgrade('rollback', 'new-2', '-r', 'users complain')).toMatchObject({
      code: 0,
      stdout: 'openai/new-2 is rolled back (was canary)\n',
    });
    expect(await watching.waitForExit()).toBe(0);
    expect(watching.stdout()).toMatch(
      /^openai\/new-2 canary 3: answers 50%; needs .*\n(.*\n)*openai\/new-2 rolled back: users complain\n$/,
    );

    const log = await upgrade('log', 'new-2');
    expect(log.stdout.split('\n').map((line) => line.slice(21).replaceAll(/ {2,}/g, ' | '))).toMatchObject([
      expect.stringContaining('EVENT') as string,
      'propose | proposed | test | newer',
      'approve | shadow | ada | looks good',
      'advance | canary 1 | ada | nothing else is copied',
      expect.stringMatching(/^advance \| canary 2 \| upgrade/) as string,
      expect.stringMatching(/^advance \| canary 3 \| upgrade/) as string,
      expect.stringMatching(/^hold \| canary 3 \| .* \| it is Friday$/) as string,
      expect.stringMatching(/^rollback \| rolled back \| .* \| users complain$/) as string,
      '',
    ]);
    expect(await upgrade('status')).toMatchObject({ code: 0, stdout: '', stderr: 'nothing is tried\n' });
    expect((await upgrade('retry', 'new-2', '-r', 'it is mended')).stdout).toBe(
      'openai/new-2 is proposed (was rolled back)\n',
    );
    await postJson(`${app.url('upgrade')}/candidates/${(await newestOf(pool(), 'new-2')) ?? ''}/promote`, {
      reason: 'as was promised',
    });
    expect(await upgrade('status')).toMatchObject({
      stdout: expect.stringMatching(
        / {2}promoted · watched until \d{4}-\d\d-\d\d \d\d:\d\d UTC\n {2}as was promised\n/,
      ) as string,
      stderr: '1 rollout\n',
    });
  });

  it.each([
    ['a model that is none', ['promote', 'nobody-9', '-r', 'x'], /no candidate is called nobody-9/],
    ['no reason', ['promote', 'new-2'], /required option '-r, --reason <text>' not specified \(see --help\)/],
    ['what cannot be done', ['resume', 'new-2', '-r', 'x'], /cannot resume new-2: it is not being tried/],
    ['an id of nothing', ['hold', '01900000-0000-7000-8000-00000000dead', '-r', 'x'], /no candidate or rollout 0190/],
    ['a reason that commands a terminal', ['retry', 'new-2', '-r', 'x\u001b[2J'], /control characters/],
  ])('refuses %s with one line', async (_, args, line) => {
    const ended = await upgrade(...args);
    expect(ended).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(line) as string });
    expect(ended.stderr.trim().split('\n')).toHaveLength(1);
  });
});
