import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { defaultProfiles } from '../../../src/simulator/default-profiles.ts';
import type { Simulator } from '../../../src/simulator/simulator.ts';
import { chatBody, openAiClient, post, startSimulator, statsOf, untilStats } from './simulation.ts';

let simulator: Simulator;

beforeAll(async () => {
  simulator = await startSimulator({ profiles: defaultProfiles.map((profile) => ({ ...profile, error_rate: 0 })) });
});
afterAll(() => simulator.stop());
beforeEach(() => post(simulator, '/sim/reset', {}));

const question = 'Tell me about lighthouses';
const model = 'gpt-6-sol';

function send(fault: string, more: object = {}, path = '/v1/chat/completions'): Promise<Response> {
  return post(simulator, path, chatBody(question, more), { headers: { 'x-sim-fault': fault } });
}

/** What of a response arrives before its connection breaks, as events of data. */
async function readBroken(response: Response): Promise<{ events: string[]; isBroken: boolean }> {
  let text = '';
  const decoder = new TextDecoder();
  try {
    for await (const chunk of response.body ?? []) text += decoder.decode(chunk, { stream: true });
  } catch {
    return { events: text.split('\n\n').filter(Boolean), isBroken: true };
  }
  return { events: text.split('\n\n').filter(Boolean), isBroken: false };
}

const contentOf = (events: string[]) => events.filter((event) => /"delta":\{"content"/.test(event));

describe('a provider’s models', () => {
  const listed = async (): Promise<string[]> => (await openAiClient(simulator).models.list()).data.map(({ id }) => id);

  it('can be brought out and changed while it runs, until it is reset', async () => {
    const brought = await post(simulator, '/sim/models', {
      id: 'gpt-7-sol',
      quality: { simple: 1, medium: 1, complex: 1 },
    });
    expect(brought.status).toBe(201);
    expect(await listed()).toContain('gpt-7-sol');
    expect((await post(simulator, '/v1/chat/completions', chatBody(question, { model: 'gpt-7-sol' }))).status).toBe(
      200,
    );
    expect(await (await post(simulator, '/sim/models', { id: model, error_rate: 1 })).json()).toMatchObject({
      id: model,
      error_rate: 1,
    });
    expect((await post(simulator, '/v1/chat/completions', chatBody(question))).status).toBeGreaterThanOrEqual(500);
    await post(simulator, '/sim/reset', {});
    expect(await listed()).not.toContain('gpt-7-sol');
    expect((await post(simulator, '/v1/chat/completions', chatBody(question))).status).toBe(200);
  });

  it('are refused where they make no sense', async () => {
    expect((await post(simulator, '/sim/models', { error_rate: 0.5 })).status).toBe(400);
    expect((await post(simulator, '/sim/models', { id: 'x', error_rate: 2 })).status).toBe(400);
  });
});

describe('faults before the answer', () => {
  it.each([
    ['http_401', 401, { type: 'invalid_request_error', code: 'invalid_api_key' }],
    ['http_429', 429, { code: 'rate_limit_exceeded' }],
    ['http_500', 500, { type: 'server_error' }],
    ['http_503', 503, { type: 'service_unavailable_error' }],
  ])('%s has the shape of OpenAI', async (fault, status, error) => {
    const response = await send(fault, { stream: true });
    expect([response.status, response.headers.get('retry-after')]).toEqual([status, null]);
    expect(await response.json()).toMatchObject({ error: { ...error, param: null } });
    expect(await statsOf(simulator, model)).toMatchObject({ requests: 1, failed: 1, open: 0 });
  });

  it('says when to come back, and is overloaded in the way of Anthropic', async () => {
    expect((await send('http_429:7')).headers.get('retry-after')).toBe('7');
    const response = await send('http_529', { model: 'claude-sonnet-5', max_tokens: 50 }, '/v1/messages');
    expect(response.status).toBe(529);
    expect(await response.json()).toMatchObject({ type: 'error', error: { type: 'overloaded_error' } });
  });

  it('answers with the page of a proxy', async () => {
    const response = await send('html');
    expect([response.status, response.headers.get('content-type')]).toEqual([502, 'text/html']);
    expect(await response.text()).toContain('502 Bad Gateway');
  });

  it('refuses the connection', async () => {
    await expect(send('refuse')).rejects.toThrow('fetch failed');
    await expect(send('refuse', { stream: true })).rejects.toThrow('fetch failed');
    expect(await statsOf(simulator, model)).toMatchObject({ requests: 2, failed: 2, open: 0, aborted: 0 });
  });

  it.each(['nothing', 'cut:x'])('does not know %s, and lists what it knows', async (fault) => {
    const response = await send(fault);
    expect(response.status).toBe(400);
    expect(JSON.stringify(await response.json())).toContain('stall_after:<tokens>:<ms>');
  });
});

describe('faults amid the answer', () => {
  it.each([true, false])('breaks off after the headers (stream: %s)', async (stream) => {
    const response = await send('reset_after_headers', { stream });
    expect(response.status).toBe(200);
    expect(await readBroken(response)).toEqual({ events: [], isBroken: true });
  });

  it.each([0, 1, 4])('breaks off after %i tokens of content', async (tokens) => {
    const { events, isBroken } = await readBroken(await send(`cut:${tokens}`, { stream: true }));
    expect([isBroken, contentOf(events).length]).toEqual([true, tokens]);
    expect(await statsOf(simulator, model)).toMatchObject({ failed: 1, completion_tokens: tokens, open: 0 });
  });

  it('breaks off before the end when the answer has fewer tokens', async () => {
    const { events, isBroken } = await readBroken(await send('cut:1000000', { stream: true, max_tokens: 5 }));
    expect([isBroken, contentOf(events).length, events.join('').includes('[DONE]')]).toEqual([true, 5, false]);
  });

  it('breaks off an answer that is not streamed', async () => {
    const { events, isBroken } = await readBroken(await send('cut:5'));
    expect(isBroken).toBe(true);
    expect(events.join('')).toMatch(/^\{"id":/);
  });

  it('sends one event that is no JSON, with all the others around it', async () => {
    const { events, isBroken } = await readBroken(await send('bad_event', { stream: true, max_tokens: 10 }));
    const broken = events
      .map((event) => event.replace(/^data: /, ''))
      .filter((data) => data !== '[DONE]' && !isJson(data));
    expect([isBroken, broken.length, contentOf(events).length >= 10]).toEqual([false, 1, true]);
    expect(await (await send('bad_event')).text()).not.toSatisfy(isJson);
  });

  it.each(['stall:30', 'stall_after:2:30', 'slow'])('completes in the end with %s', async (fault) => {
    const { events, isBroken } = await readBroken(
      await send(fault, { stream: true, max_tokens: 3, model: 'gpt-6-luna' }),
    );
    expect([isBroken, contentOf(events).length, events.at(-1)]).toEqual([false, 3, 'data: [DONE]']);
  });

  function isJson(text: string): boolean {
    try {
      JSON.parse(text);
      return true;
    } catch {
      return false;
    }
  }
});

describe('the client goes away', () => {
  it.each([
    ['before the first token', 'stall:600000', 0],
    ['after some tokens', 'stall_after:3:600000', 3],
  ])('stops at once %s', async (_, fault, tokens) => {
    const controller = new AbortController();
    const response = await post(simulator, '/v1/chat/completions', chatBody(question, { stream: true }), {
      headers: { 'x-sim-fault': fault },
      signal: controller.signal,
    });
    expect(response.status).toBe(200);
    await untilStats(simulator, model, (stats) => stats.open === 1 && stats.completion_tokens === tokens);
    controller.abort();
    const stats = await untilStats(simulator, model, ({ open }) => open === 0);
    expect(stats).toMatchObject({ requests: 1, completed: 0, failed: 0, aborted: 1, completion_tokens: tokens });
  });

  it('leaves no timer behind', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
    const before = timers();
    const controller = new AbortController();
    const requests = Array.from({ length: 40 }, (_, index) =>
      post(simulator, '/v1/chat/completions', chatBody(question, { stream: index % 2 === 0 }), {
        headers: { 'x-sim-fault': index % 4 === 0 ? 'stall_after:3:600000' : 'stall:600000' },
        signal: controller.signal,
      }),
    );
    const settled = Promise.allSettled(requests);
    await untilStats(simulator, model, ({ open, completion_tokens }) => open === 40 && completion_tokens === 30);
    expect(timers()).toBeGreaterThanOrEqual(40);
    controller.abort();
    await settled;
    expect(await untilStats(simulator, model, ({ open }) => open === 0)).toMatchObject({ aborted: 40 });
    expect(timers()).toBeLessThan(before + 20);
  });

  it('is seen when nothing has been sent yet, too', async () => {
    const controller = new AbortController();
    const answer = openAiClient(simulator).chat.completions.create(
      { model, messages: [{ role: 'user', content: question }] },
      { headers: { 'x-sim-fault': 'stall:600000' }, signal: controller.signal },
    );
    const settled = Promise.allSettled([answer]);
    await untilStats(simulator, model, ({ open }) => open === 1);
    controller.abort();
    expect(await settled).toMatchObject([{ status: 'rejected', reason: { message: 'Request was aborted.' } }]);
    expect(await untilStats(simulator, model, ({ open }) => open === 0)).toMatchObject({ aborted: 1 });
  });
});

describe('faults by rule', () => {
  const ask = async (asked: string) =>
    (await post(simulator, '/v1/chat/completions', chatBody(question, { model: asked }))).status;
  const list = async () =>
    (await (await fetch(`${simulator.baseUrl}/sim/faults`)).json()) as { faults: object[]; known: string[] };

  it('strikes the model so many times, and is listed until then', async () => {
    const added = await post(simulator, '/sim/faults', { fault: 'http_500', model, times: 2 });
    expect(added.status).toBe(201);
    expect(await ask('gpt-6-luna')).toBe(200);
    expect(await ask(model)).toBe(500);
    expect((await list()).faults).toMatchObject([{ fault: 'http_500', model, times: 1 }]);
    expect([await ask(model), await ask(model)]).toEqual([500, 200]);
    expect((await list()).faults).toEqual([]);
  });

  it('strikes all models until it is deleted, and the lists only where it says so', async () => {
    const models = async () => openAiClient(simulator).models.list();
    await post(simulator, '/sim/faults', { fault: 'http_503' });
    expect([await ask(model), await ask('gpt-6-luna')]).toEqual([503, 503]);
    expect((await models()).data.length).toBeGreaterThan(0);
    await fetch(`${simulator.baseUrl}/sim/faults`, { method: 'DELETE' });
    expect(await ask(model)).toBe(200);
    await post(simulator, '/sim/faults', { fault: 'http_503', endpoint: 'models' });
    expect(await ask(model)).toBe(200);
    await expect(models()).rejects.toMatchObject({ status: 503 });
  });

  it.each([
    [{ fault: 'nothing' }, 'unknown_fault'],
    [{ fault: 'slow', model: 'gpt-0' }, 'model_not_found'],
    [{ fault: 'slow', times: 0 }, 'invalid_value'],
    [{ fault: 'slow', when: 'now' }, 'invalid_value'],
    [{}, 'missing_required_parameter'],
  ])('refuses %j', async (rule, code) => {
    const response = await post(simulator, '/sim/faults', rule);
    expect([response.status, await response.json()]).toMatchObject([400, { error: { code } }]);
  });
});
