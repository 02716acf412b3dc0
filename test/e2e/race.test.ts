import type { APIError } from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { RaceResponse } from '../../src/contracts/race-api.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { collect, failureOf, patience, signalboxHeaders, textOf, user } from './requests.ts';
import {
  breaksOff,
  fails,
  hangs,
  type RacingUpstream,
  says,
  setPrices,
  startRacingUpstream,
  whole,
  learnsNothing,
} from './racing-upstream.ts';
import { answerJson, beginStream, chunk, event, writeNow } from './upstream.ts';

const names = ['alpha-1', 'beta-1', 'gamma-1', 'delta-1'];

let raw: RacingUpstream;
let app: TestApp;

beforeAll(async () => {
  raw = await startRacingUpstream(names);
  app = await startTestApp({
    config: { providers: [raw.upstream.provider], learner: learnsNothing, race: { max_lanes: 4, max_cost_usd: 1 } },
  });
  for (const name of names) await setPrices(app, name);
});
afterAll(async () => {
  await app.stop();
  await raw.upstream.stop();
});
afterEach(() => raw.reset());

async function race(
  body: object,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: RaceResponse }> {
  const response = await fetch(`${app.url('router')}/race`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ prompt: 'What is 6 times 7?', ...body }),
  });
  return { status: response.status, body: (await response.json()) as RaceResponse };
}

const statuses = ({ candidates }: RaceResponse): string[] => candidates.map(({ status }) => status);

describe('first', () => {
  it('takes the first content, and stops the others at once', async () => {
    raw.plays = { 'alpha-1': hangs, 'beta-1': says('42'), 'gamma-1': hangs };
    const { status, body } = await race({ models: ['alpha-1', 'beta-1', 'gamma-1'], strategy: 'first' });
    expect(status).toBe(200);
    expect(body).toMatchObject({ outcome: 'decided', strategy: 'first', reason: 'the first valid answer' });
    expect(body.selected).toMatchObject({ model: 'beta-1', status: 'won', output: '42', confidence: null });
    expect(statuses(body)).toEqual(['cancelled', 'won', 'cancelled']);
    expect(body.answer).toMatchObject({ choices: [{ message: { content: '42' }, finish_reason: 'stop' }] });
    await expect.poll(() => raw.cutOff.toSorted(), patience).toEqual(['alpha-1', 'gamma-1']);
  });

  it('is not won by a failure or a role without content, however fast', async () => {
    const later = new Promise((resolve) => setTimeout(resolve, 100));
    raw.plays = { 'alpha-1': fails(400), 'beta-1': hangs, 'gamma-1': says('42', { after: later }) };
    const { body } = await race({ models: ['alpha-1', 'beta-1', 'gamma-1'] });
    expect(body.selected?.model).toBe('gamma-1');
    expect(statuses(body)).toEqual(['error', 'cancelled', 'won']);
    expect(body.candidates[0]?.latency_ms).toBeGreaterThan(0);
  });

  it('is not won by reasoning, nor by a stream that ends without an answer', async () => {
    const later = new Promise((resolve) => setTimeout(resolve, 100));
    raw.plays = {
      'alpha-1': async (response) => {
        beginStream(response);
        await writeNow(response, event(chunk({ reasoning_content: 'let me see' })));
      },
      'beta-1': (response) => {
        beginStream(response);
        response.end(
          event(chunk({ role: 'assistant', content: '' })) + event(chunk({}, 'content_filter')) + event('[DONE]'),
        );
      },
      'gamma-1': says('42', { after: later }),
    };
    const { body } = await race({ models: ['alpha-1', 'beta-1', 'gamma-1'] });
    expect(body.candidates.map(({ status, reason }) => [status, reason])).toEqual([
      ['cancelled', 'the race was decided'],
      ['invalid', 'an empty answer'],
      ['won', null],
    ]);
    await expect.poll(() => raw.cutOff, patience).toEqual(['alpha-1']);
  });

  it('stops the losers while the winner still streams, and hands its bytes on', async () => {
    let goOn: () => void = () => undefined;
    const rest = new Promise<void>((resolve) => (goOn = resolve));
    raw.plays = {
      'alpha-1': hangs,
      'beta-1': async (response) => {
        beginStream(response);
        await writeNow(response, event(chunk({ content: 'for' })));
        await rest;
        await writeNow(response, event(chunk({ content: 'ty-two' })));
        response.end(event(chunk({}, 'stop')) + event('[DONE]'));
      },
    };
    const { data, response } = await app.client.chat.completions
      .create({ model: 'race:alpha-1,beta-1', messages: user('What is 6 times 7?'), stream: true })
      .withResponse();
    await expect.poll(() => raw.cutOff, patience).toEqual(['alpha-1']);
    goOn();
    expect(textOf(await collect(data))).toBe('forty-two');
    expect(signalboxHeaders(response.headers)).toMatchObject({ model: 'beta-1', provider: 'raw', attempts: '2' });
  });

  it('is not replaced once it has said something, and says so where it breaks off', async () => {
    raw.plays = { 'alpha-1': hangs, 'beta-1': breaksOff('for') };
    const { status, body } = await race({ models: ['alpha-1', 'beta-1'] });
    expect(status).toBe(502);
    expect(body).toMatchObject({
      error: { code: 'upstream_failed', message: 'the provider broke off the answer that had won the race' },
    });
    const failure = await failureOf(
      app.client.chat.completions.create({ model: 'race:alpha-1,beta-1', messages: user('6 times 7?') }),
    );
    expect(failure).toMatchObject({ status: 502, code: 'upstream_failed' });
  });

  it('goes on without the answers that its verifier does not accept', async () => {
    const later = new Promise((resolve) => setTimeout(resolve, 50));
    raw.plays = { 'alpha-1': says('no idea'), 'beta-1': says('{"n":42}', { after: later }) };
    const { body } = await race({
      models: ['alpha-1', 'beta-1'],
      verifier: { type: 'json_schema', schema: { type: 'object', required: ['n'] } },
    });
    expect(body.candidates.map(({ status, reason }) => [status, reason])).toEqual([
      ['invalid', 'holds no JSON'],
      ['won', null],
    ]);
  });
});

describe('best', () => {
  it('takes the verified answer of the model that is likeliest to be right', async () => {
    raw.plays = { 'alpha-1': says('41.5'), 'beta-1': says('none'), 'gamma-1': says('42') };
    const { body } = await race({
      models: ['alpha-1', 'beta-1', 'gamma-1'],
      strategy: 'best',
      verifier: [
        { type: 'regex', pattern: '^\\d+$' },
        { type: 'number', min: 0, max: 100 },
      ],
    });
    expect(statuses(body)).toEqual(['invalid', 'invalid', 'won']);
    expect(body.selected?.confidence).toBeGreaterThan(0.5);
  });

  it('asks a judge, who sees neither names nor order, and is in no lane', async () => {
    raw.plays = {
      'alpha-1': says('forty-one'),
      'beta-1': says('forty-two'),
      'delta-1': (response, { messages }) => {
        const [, { content } = { content: '' }] = messages as Array<{ content: string }>;
        expect(content).not.toMatch(/alpha|beta/);
        const letter = /letter="(\w)">\nforty-two/.exec(content)?.[1] ?? '';
        const other = letter === 'A' ? 'B' : 'A';
        answerJson(response, whole(JSON.stringify({ scores: { [letter]: 9, [other]: 2 } })));
      },
    };
    for (let round = 0; round < 4; round += 1) {
      const { body } = await race({ models: ['alpha-1', 'beta-1'], strategy: 'best', judge: 'raw/delta-1' });
      expect(body).toMatchObject({ reason: 'the judge delta-1 scored it highest', selected: { model: 'beta-1' } });
      expect(body.candidates.map(({ confidence }) => confidence)).toEqual([0.2, 0.9]);
      // Two lanes and the judge, each 10 tokens in and 5 out.
      expect(body.cost_usd).toBeCloseTo(3 * 0.00002, 9);
    }
    const refused = await race({ models: ['alpha-1', 'beta-1'], strategy: 'best', judge: 'beta-1' });
    expect(refused).toMatchObject({ status: 400, body: { error: { param: 'judge' } } });
  });

  it('goes by what is known of the models where the judge says nothing', async () => {
    raw.plays = { 'delta-1': (response) => answerJson(response, whole('I like both')) };
    const { body } = await race({ models: ['alpha-1', 'beta-1'], strategy: 'best', judge: { model: 'delta-1' } });
    expect(body.reason).toMatch(/the judge gave no verdict/);
    expect(body.outcome).toBe('decided');
  });

  it('tells samples of one model apart by the probability of their tokens', async () => {
    let sample = 0;
    raw.plays = {
      'alpha-1': (response, body) => {
        sample += 1;
        return says(`sample ${sample}`, { logprob: -1 / sample })(response, body);
      },
    };
    const { body } = await race({ models: ['alpha-1'], n: 3, strategy: 'best' });
    expect(body.selected?.output).toBe('sample 3');
  });
});

describe('consensus', () => {
  it('starts with a majority, and is satisfied where that agrees', async () => {
    raw.plays = { 'alpha-1': says('It is 42.'), 'beta-1': says('The answer: 42'), 'gamma-1': says('41') };
    const { body } = await race({ models: names.slice(0, 3), strategy: 'consensus', extract: 'number' });
    expect(body).toMatchObject({ outcome: 'decided', agreement_score: 1, reason: '2 of 2 valid answers agree' });
    expect(body.candidates[2]).toMatchObject({
      status: 'cancelled',
      reason: 'not needed',
      latency_ms: null,
      cost_usd: 0,
    });
    expect(raw.upstream.requests).toHaveLength(2);
  });

  it('adds a lane where they disagree', async () => {
    raw.plays = { 'alpha-1': says('41'), 'beta-1': says('42'), 'gamma-1': says('42.0') };
    const { body } = await race({ models: names.slice(0, 3), strategy: 'consensus', extract: 'number' });
    expect(statuses(body)).toEqual(['lost', 'won', 'lost']);
    expect(body.agreement_score).toBeCloseTo(2 / 3, 9);
    expect(body.candidates[1]?.confidence).toBeGreaterThan(body.candidates[0]?.confidence ?? 1);
    expect(raw.upstream.requests).toHaveLength(3);
  });

  it('is none where one model alone says so, however much its word weighs', async () => {
    raw.plays = { 'alpha-1': says('41'), 'beta-1': says('42') };
    const { body } = await race({ models: names.slice(0, 2), strategy: 'consensus', extract: 'number' });
    expect(body).toMatchObject({ outcome: 'no_consensus', selected: null });
  });

  it('says plainly that there is none', async () => {
    raw.plays = { 'alpha-1': says('41'), 'beta-1': says('42'), 'gamma-1': says('43') };
    const { status, body } = await race({ models: names.slice(0, 3), strategy: 'consensus', extract: 'number' });
    expect(status).toBe(200);
    expect(body).toMatchObject({ outcome: 'no_consensus', selected: null, answer: null, reason: 'no_consensus: tie' });
    const failure = await failureOf(
      app.client.chat.completions.create({
        model: 'race:consensus:alpha-1,beta-1,gamma-1',
        messages: user('6 times 7?'),
        race: { extract: 'number' },
      } as never),
    );
    expect(failure).toMatchObject({ status: 502, code: 'no_consensus' });
    // An SDK would pay for it again and again.
    expect((failure as APIError).headers?.get('x-should-retry')).toBe('false');
  });

  it('lets neither refusals nor empty answers vote', async () => {
    raw.plays = {
      'alpha-1': says("I'm sorry, I cannot help."),
      'beta-1': says("I'm sorry, I cannot help."),
      'gamma-1': says(' '),
    };
    const { status, body } = await race({ models: names.slice(0, 3), strategy: 'consensus', staged: false });
    expect(status).toBe(502);
    expect(body).toMatchObject({ error: { code: 'no_valid_answer' } });
  });

  it('stops early once the rest cannot change it', async () => {
    raw.plays = { 'alpha-1': says('42'), 'beta-1': says('42'), 'gamma-1': hangs };
    const { body } = await race({ models: names.slice(0, 3), strategy: 'consensus', extract: 'number', staged: false });
    expect(statuses(body)).toEqual(['won', 'lost', 'cancelled']);
    await expect.poll(() => raw.cutOff, patience).toEqual(['gamma-1']);
  });
});

describe('a race as a chat completion', () => {
  it.each(['race:first', 'race:best', 'race:consensus'])('%s has a field of the router’s choice', async (model) => {
    for (const stream of [false, true]) {
      raw.plays = Object.fromEntries(names.map((name) => [name, says('Paris')]));
      const extract = { type: 'choice', choices: ['Paris', 'London', 'Rome'] };
      const options = model === 'race:consensus' ? { race: { extract } } : {};
      const request = { model, messages: user('What is the capital of France?'), stream, ...options };
      const { data, response } = await app.client.chat.completions.create(request as never).withResponse();
      const headers = signalboxHeaders(response.headers);
      expect(headers['race-id']).toMatch(/^[0-9a-f-]{36}$/);
      const field = await modelsOfRace(headers['race-id'] ?? '');
      expect(new Set(field).size).toBe(field.length);
      const text = stream
        ? textOf(await collect(data as never))
        : (data as { choices: Array<{ message: { content: string } }> }).choices[0]?.message.content;
      expect(text).toMatch(/Paris/);
    }
  });

  async function modelsOfRace(raceId: string): Promise<string[]> {
    const url = `${app.url('central')}/races/${raceId}`;
    let lanes: Array<{ model: string }> = [];
    await expect
      .poll(async () => {
        const response = await fetch(url);
        lanes = response.ok ? ((await response.json()) as { lanes: typeof lanes }).lanes : [];
        return lanes.length;
      }, patience)
      .toBeGreaterThan(1);
    return lanes.map(({ model }) => model);
  }

  it('gives the whole answer with its usage, and its price', async () => {
    raw.plays = { 'alpha-1': says('42'), 'beta-1': hangs };
    const { data, response } = await app.client.chat.completions
      .create({ model: 'race:alpha-1,beta-1', messages: user('What is 6 times 7?') })
      .withResponse();
    expect(data.usage).toMatchObject({ prompt_tokens: 10, completion_tokens: 5 });
    expect(data.choices[0]).toMatchObject({ message: { content: '42', role: 'assistant' }, finish_reason: 'stop' });
    expect(signalboxHeaders(response.headers)).toMatchObject({ model: 'alpha-1', provider: 'raw' });
    // Nothing of the race goes to the providers.
    expect(Object.keys(JSON.parse(raw.upstream.requests[0]?.body ?? '{}') as object).toSorted()).toEqual([
      'messages',
      'model',
      'stream',
      'stream_options',
    ]);
  });

  it('sends every lane the same, whatever its model', async () => {
    await app.client.chat.completions.create({
      model: 'race:best:alpha-1,beta-1,gamma-1',
      messages: user('What is 6 times 7?'),
      temperature: 0.5,
      max_tokens: 20,
      provider: { sort: 'price' },
      race: { verifier: { type: 'length', min: 1 } },
    } as never);
    const bodies = raw.upstream.requests.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
    expect(bodies.map(({ model }) => String(model)).toSorted((a, b) => a.localeCompare(b))).toEqual([
      'alpha-1',
      'beta-1',
      'gamma-1',
    ]);
    for (const body of bodies) {
      expect({ ...body, model: '' }).toEqual({
        model: '',
        messages: user('What is 6 times 7?'),
        temperature: 0.5,
        max_tokens: 20,
        stream: true,
        stream_options: { include_usage: true },
      });
    }
  });

  it('says nothing of a race to who is asked alone', async () => {
    await app.client.chat.completions.create({
      model: 'alpha-1',
      messages: user('Hello'),
      race: { n: 2 },
    } as never);
    expect(Object.keys(JSON.parse(raw.upstream.requests[0]?.body ?? '{}') as object)).not.toContain('race');
  });

  it('hands on what the providers say of a request that all of them refuse', async () => {
    raw.plays = { 'alpha-1': fails(400), 'beta-1': fails(400) };
    const failure = await failureOf(
      app.client.chat.completions.create({ model: 'race:alpha-1,beta-1', messages: user('?') }),
    );
    expect(failure).toMatchObject({ status: 400, code: 'x' });
  });
});

describe('what a race must not do', () => {
  it.each<[string, object, string]>([
    ['one lane', { models: ['alpha-1'] }, 'models'],
    ['more lanes than are allowed', { n: 5 }, 'n'],
    ['an unknown model', { models: ['alpha-1', 'nobody'] }, 'models[1]'],
    ['a judge without use', { models: names, judge: true }, 'judge'],
    ['a pattern that is none', { models: names, verifier: [{ type: 'regex', pattern: '(' }] }, 'verifier[0]'],
    ['a pattern that would be slow', { models: names, verifier: { type: 'regex', pattern: '(a)\\1' } }, 'verifier'],
    ['a schema that is none', { models: names, verifier: { type: 'json_schema', schema: { type: 7 } } }, 'verifier'],
    ['tools that every lane would run', { models: names, tools: [{ type: 'web_search' }] }, 'tools[0]'],
    ['a lane of the router’s choice', { models: ['alpha-1', 'auto'] }, 'models[1]'],
    ['plugins that every lane would run', { models: names, plugins: [{ id: 'web' }] }, 'plugins'],
    ['both a prompt and messages', { models: names, messages: user('?') }, 'messages'],
  ])('%s', async (_, body, param) => {
    const answer = await race(body);
    expect([400, 404]).toContain(answer.status);
    expect(answer.body).toMatchObject({ error: { param } });
    expect(raw.upstream.requests).toHaveLength(0);
  });

  it('cost more than it may', async () => {
    const { status, body } = await race({ models: ['alpha-1', 'beta-1'], max_cost_usd: 0.001 });
    expect(status).toBe(402);
    expect(body).toMatchObject({ error: { code: 'race_too_costly' } });
    expect((await race({ models: ['alpha-1', 'beta-1'], max_cost_usd: 0.001, max_tokens: 100 })).status).toBe(200);
    // Also where the router would choose the models.
    expect(await race({ max_cost_usd: 1e-7 })).toMatchObject({
      status: 402,
      body: { error: { code: 'race_too_costly' } },
    });
  });

  it('go on when its caller has left', async () => {
    raw.plays = { 'alpha-1': hangs, 'beta-1': hangs };
    const gone = new AbortController();
    const left = fetch(`${app.url('router')}/race`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ prompt: 'Hello', models: ['alpha-1', 'beta-1'] }),
      signal: gone.signal,
    }).catch(() => 'left');
    await expect.poll(() => raw.upstream.requests.length, patience).toBe(2);
    gone.abort();
    expect(await left).toBe('left');
    await expect.poll(() => raw.cutOff.toSorted(), patience).toEqual(['alpha-1', 'beta-1']);
  });

  it('take longer than it may', async () => {
    raw.plays = { 'alpha-1': hangs, 'beta-1': hangs };
    const { status, body } = await race({ models: ['alpha-1', 'beta-1'], timeout_ms: 100 });
    expect(status).toBe(504);
    expect(body).toMatchObject({
      error: {
        code: 'deadline_exceeded',
        message: 'no lane answered (alpha-1 at raw: out of time; beta-1 at raw: out of time)',
      },
    });
  });
});
