import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { StartupError } from '../../../src/platform/core/errors.ts';
import { demoPrompts, isRightAnswer } from '../../../src/simulator/demo-prompts.ts';
import { baseProfile, type ModelProfile } from '../../../src/simulator/profile.ts';
import type { Simulator, SimulatorOptions } from '../../../src/simulator/simulator.ts';
import { chatBody, post, startSimulator, statsOf, untilStats } from './simulation.ts';

const running: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of running.splice(0)) await each.stop();
});

async function start(options: Partial<SimulatorOptions>): Promise<Simulator> {
  const simulator = await startSimulator(options);
  running.push(simulator);
  return simulator;
}

function profile(changes: Partial<ModelProfile> = {}): ModelProfile {
  return { ...baseProfile('m'), ...changes };
}

/** The status and the text of the answer to each prompt, one after the other. */
async function ask(simulator: Simulator, prompts: readonly string[], model = 'm'): Promise<string[]> {
  const answers: string[] = [];
  for (const prompt of prompts) {
    const response = await post(simulator, '/v1/chat/completions', chatBody(prompt, { model }));
    const body = (await response.json()) as { choices?: [{ message: { content: string } }] };
    answers.push(body.choices?.[0].message.content ?? String(response.status));
  }
  return answers;
}

const prompts = demoPrompts.map(({ prompt }) => prompt);
const rightOf = (answers: string[], asked = prompts) =>
  answers.filter((answer, index) => isRightAnswer(asked[index] ?? '', answer) === true).length;

describe('chance', () => {
  const profiles = [profile({ error_rate: 0.2, quality: { simple: 0.7, medium: 0.7, complex: 0.7 } })];
  const asked = [...prompts, ...prompts, 'Tell me a story', 'Tell me a story'];

  it('repeats itself with the seed, also after a reset, and differs with another', async () => {
    const simulator = await start({ profiles, seed: 1 });
    const answers = await ask(simulator, asked);
    await post(simulator, '/sim/reset', {});
    expect(await ask(simulator, asked)).toEqual(answers);
    expect(await ask(await start({ profiles, seed: 1 }), asked)).toEqual(answers);
    expect(await ask(await start({ profiles, seed: 2 }), asked)).not.toEqual(answers);
    expect(answers.at(-1)).not.toBe(answers.at(-2));
    const failed = answers.filter((answer) => /^5\d\d$/.test(answer)).length;
    expect(failed).toBeGreaterThan(10);
    expect(failed).toBeLessThan(45);
  });

  it('gives the quality of the profile per complexity', async () => {
    const quality = { simple: 1, medium: 0.5, complex: 0 };
    const simulator = await start({ profiles: [profile({ quality })] });
    const rightShare = async (complexity: string) => {
      const some = demoPrompts.filter((entry) => entry.complexity === complexity).map(({ prompt }) => prompt);
      const many = Array.from({ length: 6 }, () => some).flat();
      return rightOf(await ask(simulator, many), many) / many.length;
    };
    expect(await rightShare('simple')).toBe(1);
    expect(await rightShare('complex')).toBe(0);
    const medium = await rightShare('medium');
    expect(medium).toBeGreaterThan(0.35);
    expect(medium).toBeLessThan(0.65);
  });
});

describe('schedule', () => {
  it('changes what the models do as time goes by', async () => {
    let nowMs = 5_000;
    const schedule = [
      { after_s: 60, until_s: 120, set: { quality: 0 } },
      { after_s: 120, until_s: 180, set: { outage: true as const } },
    ];
    const simulator = await start({
      profiles: [profile({ quality: { simple: 1, medium: 1, complex: 1 }, schedule })],
      clock: { nowMs: () => 0, monotonicMs: () => nowMs },
    });
    const list = async () =>
      (await fetch(`${simulator.baseUrl}/v1/models`, { headers: { authorization: 'Bearer k' } })).status;
    const states: unknown[] = [];
    for (const elapsedS of [0, 60, 120, 180]) {
      nowMs = 5_000 + elapsedS * 1000;
      states.push([rightOf(await ask(simulator, prompts)), await list()]);
    }
    expect(states).toEqual([
      [prompts.length, 200],
      [0, 200],
      [0, 503],
      [prompts.length, 200],
    ]);
    expect(await statsOf(simulator, 'm')).toMatchObject({ completed: prompts.length * 3, failed: prompts.length });
  });
});

describe('replay', () => {
  it('serves what is recorded, and what is not by the generator, and counts both', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'replay-'));
    running.push({ stop: () => rm(directory, { recursive: true }) });
    const replayFile = join(directory, 'rows.jsonl');
    const row = { prompt: 'Say something', outcomes: { recorded: { answer: 'As it was.' }, m: { score: 1 } } };
    await writeFile(replayFile, JSON.stringify(row));
    const simulator = await start({ profiles: [profile()], replayFile });
    expect(await ask(simulator, ['say  something'], 'recorded')).toEqual(['As it was.']);
    const [recorded, generated] = await ask(simulator, ['Say something', 'Say nothing']);
    expect(recorded).toBe('right');
    expect(generated?.length).toBeGreaterThan(20);
    const stats = await (await fetch(`${simulator.baseUrl}/sim/stats`)).json();
    expect(stats).toMatchObject({ replay: { hits: 2, misses: 1 } });
  });
});

describe('life', () => {
  it('closes the connections that are open when it stops', async () => {
    const simulator = await startSimulator({ profiles: [profile()] });
    const response = await post(simulator, '/v1/chat/completions', chatBody('Hello', { model: 'm', stream: true }), {
      headers: { 'x-sim-fault': 'stall_after:1:600000' },
    });
    await untilStats(simulator, 'm', ({ completion_tokens }) => completion_tokens === 1);
    const [text] = await Promise.allSettled([response.text(), simulator.stop()]);
    expect(text).toMatchObject({ status: 'rejected', reason: { message: 'terminated' } });
    expect(() => simulator.baseUrl).toThrow('not running');
    await simulator.stop();
  });

  it('says which port it cannot have', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => {
      other.listen(0, '127.0.0.1', resolve);
    });
    running.push({ stop: async () => void other.close() });
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await expect(startSimulator({ port })).rejects.toThrow(StartupError);
  });
});
