import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { raceResponseSchema } from '../../src/contracts/race-api.ts';
import { makeTestFolder, startSignalbox, startTestApp, type TestApp } from '../support/app.ts';
import { compileCache } from '../support/child-process.ts';
import {
  breaksOff,
  fails,
  hangs,
  type RacingUpstream,
  says,
  setPrices,
  startRacingUpstream,
  learnsNothing,
} from './racing-upstream.ts';
import { patience } from './requests.ts';
import { beginStream, chunk, event, writeNow } from './upstream.ts';

const names = ['alpha-1', 'beta-1', 'gamma-1'];
const all = ['-m', names.join(',')];

let raw: RacingUpstream;
let app: TestApp;
let folder: Awaited<ReturnType<typeof makeTestFolder>>;

beforeAll(async () => {
  folder = await makeTestFolder();
  raw = await startRacingUpstream(names);
  app = await startTestApp({ config: { providers: [raw.upstream.provider], learner: learnsNothing } });
  for (const name of names) await setPrices(app, name);
});
afterAll(async () => {
  await app.stop();
  await raw.upstream.stop();
  await folder.remove();
});
afterEach(() => raw.reset());

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

function start(...args: string[]) {
  return startSignalbox(['race', ...args, '--url', app.url('router')]);
}

async function race(...args: string[]): Promise<Ended> {
  const child = start(...args);
  const code = await child.waitForExit();
  return { code, stdout: child.stdout(), stderr: child.stderr() };
}

const refusal = (line: RegExp): object => ({ code: 1, stdout: '', stderr: expect.stringMatching(line) as string });

describe('signalbox race', () => {
  it('writes the answer alone to stdout, and a plain line for each lane to stderr', async () => {
    raw.plays = { 'alpha-1': says('It is 42.'), 'beta-1': says('The answer: 42'), 'gamma-1': says('41') };
    const { code, stdout, stderr } = await race(
      'What is 6 times 7?',
      ...all,
      '--strategy',
      'consensus',
      '--extract',
      'number',
    );
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^(It is 42\.|The answer: 42)\n$/) as string,
    });
    expect(stderr).toMatch(/^alpha-1 at raw: answered, \d+ ms, \$0\.00002$/m);
    expect(stderr).toMatch(/^gamma-1 at raw: cancelled, \$0, not needed$/m);
    expect(stderr).toMatch(/^decided by +consensus: 2 of 2 valid answers agree$/m);
    expect(stderr).toMatch(/^agreement +100%, margin \d+\.\d\d$/m);
    expect(stderr).toMatch(/^cost +\$0\.00004$/m);
    expect(stderr).toMatch(/^race +[0-9a-f-]{36}$/m);
    expect(stderr).not.toContain('\u001B');
  });

  it('writes what the first one says as it comes', async () => {
    let goOn: () => void = () => undefined;
    const rest = new Promise<void>((resolve) => (goOn = resolve));
    raw.plays = {
      'alpha-1': hangs,
      'beta-1': async (response) => {
        beginStream(response);
        await writeNow(response, event(chunk({ content: 'forty\n' })));
        await rest;
        await writeNow(response, event(chunk({ content: '-two\u001B' })));
        response.end(event(chunk({}, 'stop')) + event('[DONE]'));
      },
    };
    const child = start('What is 6 times 7?', '-m', 'alpha-1,beta-1');
    await expect.poll(() => child.stdout(), patience).toBe('forty\n');
    await expect.poll(() => raw.cutOff, patience).toEqual(['alpha-1']);
    goOn();
    expect(await child.waitForExit()).toBe(0);
    // A file gets what the model said, byte for byte.
    expect(child.stdout()).toBe('forty\n-two\u001B\n');
    expect(child.stderr()).toMatch(/^winner +beta-1 at raw$/m);
    expect(child.stderr()).toMatch(/^alpha-1 at raw: cancelled, .*the race was decided$/m);
  });

  it('prints all of it as JSON, and nothing else', async () => {
    raw.plays = { 'alpha-1': says('{"n":42}'), 'beta-1': says('none') };
    const { code, stdout, stderr } = await race('?', '-m', 'alpha-1,beta-1', '--strategy', 'best', '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(raceResponseSchema.parse(JSON.parse(stdout))).toMatchObject({ strategy: 'best', outcome: 'decided' });
  });

  it('reads the prompt from stdin, and sends what its options say', async () => {
    const schema = path.join(folder.folder, 'schema.json');
    await writeFile(schema, JSON.stringify({ type: 'object', required: ['n'] }));
    raw.plays = { 'alpha-1': says('{"n":42}'), 'beta-1': says('{}') };
    const args = ['-m', 'alpha-1,beta-1', '--strategy', 'best', '--max-tokens', '100', '--max-cost', '$0.01', '--json'];
    const checks = ['--verify-schema', schema, '--verify-regex', '4\\d'];
    const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
    const child = spawn(process.execPath, [main, 'race', ...args, ...checks, '--url', app.url('router')], {
      cwd: folder.folder,
      env: { PATH: process.env['PATH'], ...compileCache },
    });
    child.stdin.end('What is 6 times 7?\n');
    const { candidates } = raceResponseSchema.parse(JSON.parse(await readText(child.stdout)));
    expect(candidates.map(({ status }) => status)).toEqual(['won', 'invalid']);
    expect(JSON.parse(raw.upstream.requests[0]?.body ?? '{}')).toMatchObject({
      messages: [{ role: 'user', content: 'What is 6 times 7?' }],
      max_tokens: 100,
    });
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('stops all lanes on %s', async (signal, code) => {
    raw.plays = { 'alpha-1': hangs, 'beta-1': hangs };
    const child = start('What is 6 times 7?', '-m', 'alpha-1,beta-1');
    await expect.poll(() => raw.upstream.requests.length, patience).toBe(2);
    child.kill(signal);
    expect(await child.waitForExit()).toBe(code);
    expect(child.stdout()).toBe('');
    expect(child.stderr()).toBe('stopped, with all its lanes\n');
    await expect.poll(() => raw.cutOff.toSorted(), patience).toEqual(['alpha-1', 'beta-1']);
  });
});

it('a winner that breaks off is a failure, whatever it had said', async () => {
  raw.plays = { 'alpha-1': hangs, 'beta-1': breaksOff('for') };
  const ended = await race('?', '-m', 'alpha-1,beta-1');
  expect(ended.code).toBe(1);
  expect(ended.stdout).toBe('for\n');
  expect(ended.stderr).toMatch(/error: the provider broke off the answer that had won the race\n$/);
});

describe('without a winner', () => {
  it('shows the different answers where there is no consensus', async () => {
    raw.plays = { 'alpha-1': says('41'), 'beta-1': says('42'), 'gamma-1': says('43') };
    const args = ['6 times 7?', ...all, '--strategy', 'consensus', '--extract', 'number'];
    const { stderr, ...ended } = await race(...args);
    expect(ended).toEqual({ code: 1, stdout: '' });
    for (const [index, name] of names.entries()) expect(stderr).toContain(`${name} says:\n4${index + 1}\n`);
    expect(stderr).toMatch(/\nerror: no consensus: \w.*\n$/);
    const { code, stdout, ...asJson } = await race(...args, '--json');
    expect({ code, ...asJson }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/^error: no consensus: \w.*\n$/) as string,
    });
    expect(raceResponseSchema.parse(JSON.parse(stdout))).toMatchObject({ outcome: 'no_consensus', selected: null });
  });

  it('says why each lane failed', async () => {
    raw.plays = { 'alpha-1': fails(400), 'beta-1': hangs };
    const ended = await race('?', '-m', 'alpha-1,beta-1', '--timeout', '300', '--strategy', 'best');
    expect(ended).toEqual(
      refusal(
        /^alpha-1 at raw: error, .*\n(.*\n)*beta-1 at raw: cancelled, .*out of time\n(.*\n)*error: no answer: .*\n$/,
      ),
    );
  });
});

describe('what it cannot do ends with one line', () => {
  it.concurrent.each<[string, string[], RegExp]>([
    ['a strategy that is none', ['?', '--strategy', 'worst'], /^error: .*worst.* first, best, consensus.*\n$/],
    ['an unknown model', ['?', '-m', 'alpha-1,nobody'], /^error: .*nobody.*\n$/],
    ['one model alone', ['?', '-m', 'alpha-1'], /^error: a race needs two lanes.*\n$/],
    ['no models', ['?', '-m', ' , '], /^error: .*--models.*\n$/],
    ['lanes that are no number', ['?', '-n', 'x'], /^error: .*whole number from 2 to 16.*\n$/],
    ['something else to compare', ['?', '--extract', 'choice:a'], /^error: .*--extract.*choice:yes,no.*\n$/],
    ['a free race', ['?', '--max-cost', '0'], /^error: .*amount in USD.*\n$/],
    ['a judge without use', ['?', ...all, '--judge'], /^error: only the strategy best has a judge\n$/],
    ['a pattern that is none', ['?', ...all, '--verify-regex', '('], /^error: .*regexp.*\n$/],
    [
      'a schema that is not there',
      ['?', '--verify-schema', 'nowhere.json'],
      /^error: --verify-schema nowhere\.json: .*\n$/,
    ],
    ['no prompt', all, /^error: the prompt is empty\n$/],
    ['a service that has no races', ['?', '--url', 'registry'], /^error: no route POST \/race\n$/],
    ['no router', ['?', '--url', 'http://127.0.0.1:1'], /^error: nothing answers at http:\/\/127\.0\.0\.1:1; .*\n$/],
  ])('%s', async (_, args, line) => {
    const [last] = args.slice(-1);
    const url = args.includes('--url') ? [] : ['--url', app.url('router')];
    const given = last === 'registry' ? [...args.slice(0, -1), app.url('registry')] : args;
    const child = startSignalbox(['race', ...given, ...url]);
    const code = await child.waitForExit();
    expect({ code, stdout: child.stdout(), stderr: child.stderr() }).toEqual(refusal(line));
  });

  it('a router that breaks off', async () => {
    const router = createServer((_, response) => {
      beginStream(response);
      response.write('event: text\ndata: {"text":"for"}\n\n', () => response.destroy());
    });
    await new Promise<void>((resolve) => router.listen(0, '127.0.0.1', resolve));
    const { port } = router.address() as AddressInfo;
    const child = startSignalbox(['race', '?', '--url', `http://127.0.0.1:${port}`]);
    expect(await child.waitForExit()).toBe(1);
    expect(child.stderr()).toMatch(/^error: .*\/race broke its answer off: .*\n$/);
    await new Promise((resolve) => router.close(resolve));
  });
});
