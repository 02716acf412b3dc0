import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeTestFolder, startSignalbox } from '../support/app.ts';

let folder: Awaited<ReturnType<typeof makeTestFolder>>;
const fileOf = (name: string): string => path.join(folder.folder, name);

beforeAll(async () => {
  folder = await makeTestFolder();
  await writeFile(
    fileOf('good.yaml'),
    `providers:
  - { name: ours, kind: openai, api_key_env: OUR_KEY }
routing:
  weights: { cost: 0.5 }
`,
  );
  await writeFile(
    fileOf('bad.yaml'),
    `routing:
  weigths: {}
deadlines: { refinement_ms: soon }
providers:
  - { name: a, kind: openai, api_key_env: NOT_SET }
`,
  );
});
afterAll(() => folder.remove());

async function signalbox(args: readonly string[], env: Record<string, string> = {}) {
  const child = startSignalbox(args, env);
  const code = await child.waitForExit();
  return { code, stdout: child.stdout(), stderr: child.stderr() };
}

describe('signalbox config', () => {
  it('check names all that is wrong with line and path, and ends with 1', async () => {
    const { code, stderr } = await signalbox(['config', 'check', fileOf('bad.yaml')]);
    expect(code).toBe(1);
    expect(stderr).toContain(`${fileOf('bad.yaml')}:2: routing.weigths: unknown key`);
    expect(stderr).toContain('bad.yaml:3: deadlines.refinement_ms: ');
    expect(stderr).toContain(
      'bad.yaml:5: providers.0.api_key_env: provider a: environment variable NOT_SET is not set',
    );
    expect(stderr.trim().split('\n')).toHaveLength(3);
    const checks = await Promise.all([
      signalbox(['config', 'check', fileOf('good.yaml')], { OUR_KEY: 'sk-hidden' }),
      signalbox(['config', 'check', '--without-keys', fileOf('good.yaml')]),
      signalbox(['config', 'check', fileOf('nowhere.yaml')]),
    ]);
    expect(checks.map((each) => each.code)).toEqual([0, 0, 1]);
    expect(checks[2]?.stderr).toContain('does not exist');
  });

  it('print shows each value with where it comes from, and no secret', async () => {
    const { code, stdout } = await signalbox(['config', 'print', fileOf('good.yaml')], {
      OUR_KEY: 'sk-hidden',
      SIGNALBOX_MASTER_KEY: 'hidden-master-key-123',
    });
    expect(code).toBe(0);
    const rows = Object.fromEntries(stdout.split('\n').map((line) => [line.split(/\s+/)[0], line]));
    expect(rows['routing.weights.cost']).toMatch(/ 0\.5 +line 4$/);
    expect(rows['routing.weights.quality']).toMatch(/ 1 +default$/);
    expect(rows['ports.router']).toMatch(/ 0 +ROUTER_PORT$/);
    expect(rows['providers.ours.api_keys']).toMatch(/\["\[secret \w{6}\]"\] +line 2: OUR_KEY$/);
    expect(rows['master_key']).toMatch(/"\[secret \w{6}\]" +SIGNALBOX_MASTER_KEY$/);
    expect(stdout).not.toContain('hidden');
  });

  it('diff says what another file would change, and what of it needs a restart', async () => {
    await writeFile(
      fileOf('next.yaml'),
      `${await readFile(fileOf('good.yaml'), 'utf8')}workers: 2\nlog_level: debug\n`,
    );
    const { code, stdout } = await signalbox(['config', 'diff', fileOf('next.yaml'), fileOf('good.yaml')], {
      OUR_KEY: 'sk-hidden',
    });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^log_level +"info" +"debug" +at once$/m);
    expect(stdout).toMatch(/^workers +1 +2 +at a restart$/m);
    expect(stdout.trim().split('\n')).toHaveLength(3);
  });
});

describe('signalbox import litellm', () => {
  it('writes a file that a check accepts, for its owner alone, and says of each line what became of it', async () => {
    await writeFile(
      fileOf('litellm.yaml'),
      `model_list:
  - model_name: gpt-4
    litellm_params:
      model: azure/ours
      api_base: https://ours.openai.azure.com
      api_key: os.environ/OUR_KEY
      weight: 3
litellm_settings:
  request_timeout: 20
`,
    );
    const out = fileOf('imported.yaml');
    const { code, stderr } = await signalbox(['import', 'litellm', fileOf('litellm.yaml'), '--out', out]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^missing .*litellm\.yaml:7 model_list\.0\.litellm_params\.weight: /m);
    expect(stderr).toMatch(/^carried .*litellm\.yaml:9 litellm_settings\.request_timeout: deadlines\.complete_ms/m);
    expect(stderr).toMatch(/ 0 not known$/m);
    expect((await stat(out)).mode & 0o077).toBe(0);
    await writeFile(fileOf('broken.yaml'), 'model_list:\n  - "open\n');
    const [check, again, broken] = await Promise.all([
      signalbox(['config', 'check', out], { OUR_KEY: 'k' }),
      signalbox(['import', 'litellm', fileOf('litellm.yaml'), '--out', out]),
      signalbox(['import', 'litellm', fileOf('broken.yaml')]),
    ]);
    expect(check.code).toBe(0);
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('exists') as string });
    expect(broken).toMatchObject({ code: 1, stderr: expect.stringMatching(/^error: .*broken\.yaml:\d: /) as string });
  });
});
