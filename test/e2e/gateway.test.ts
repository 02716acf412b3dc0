import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.ts';
import { endedAttempts, getJson, postJson, signalboxHeaders, user } from './requests.ts';
import { answerJson, completion, startUpstream, type Upstream } from './upstream.ts';

let upstream: Upstream;
let app: TestApp;

beforeAll(async () => {
  upstream = await startUpstream();
  const { base_url } = upstream.provider;
  app = await startTestApp({
    config: {
      providers: [
        { ...upstream.provider, passes: ['chat', 'images', 'audio', 'moderations'] },
        { name: 'twin', kind: 'openai-compatible', base_url, api_key: 'twin-key' },
        { name: 'azure', kind: 'azure', base_url: String(base_url).replace(/\/v1$/, ''), api_key: 'azure-key' },
      ],
      retries: { same_model: 0 },
    },
  });
});
afterAll(async () => {
  await app.stop();
  await upstream.stop();
});
beforeEach(() => {
  upstream.requests.length = 0;
  upstream.answer = (response) => answerJson(response, completion('ready'));
});

const chat = (body: object, headers: Record<string, string> = {}): Promise<Response> =>
  postJson(`${app.url('router')}/v1/chat/completions`, { messages: user('Hello'), ...body }, headers);

/** Who answered: `provider/model`. */
async function answeredBy(body: object, headers: Record<string, string> = {}): Promise<string> {
  const response = await chat(body, headers);
  await response.arrayBuffer();
  const { provider, model } = signalboxHeaders(response.headers);
  return `${provider}/${model}`;
}

describe('a conversation', () => {
  it('stays with the model that answered it, by its session or by how it began', async () => {
    const session = { session_id: 'a-session' };
    const first = await answeredBy({ model: 'auto', messages: user('What is the capital of France?'), ...session });
    // Asked for speed alone, another model would be taken; the session is with the first.
    await answeredBy({ model: 'claude-opus-5-5', ...session });
    const route = await getJson<{
      model_id: string;
      explanation: { candidates: Array<{ model: string; terms: object }> };
    }>(`${app.url('router')}/route`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: 'And of Italy?', ...session }),
    });
    const affinities = Object.fromEntries(
      route.explanation.candidates.map(({ model, terms }) => [model, (terms as { affinity: number }).affinity]),
    );
    expect(affinities['claude-opus-5-5']).toBeGreaterThan(0);
    expect(Object.values(affinities).filter((affinity) => affinity > 0)).toHaveLength(1);
    expect(first).not.toBe('anthropic/claude-opus-5-5');
  });

  it('is known by a header too', async () => {
    const headers = { 'x-session-id': 'by-header' };
    await answeredBy({ model: 'claude-opus-5-5' }, headers);
    const affinityOf = async (name: string): Promise<number[]> => {
      const response = await chat({ model: 'auto', messages: user('What is 2 + 2?') }, { 'x-session-id': name });
      const id = signalboxHeaders(response.headers)['decision-id'];
      const [attempt] = await endedAttempts(app, id);
      return (attempt?.explanation?.candidates ?? []).map(({ terms }) => terms.affinity);
    };
    expect((await affinityOf('by-header')).some((affinity) => affinity > 0)).toBe(true);
    expect((await affinityOf('another')).every((affinity) => affinity === 0)).toBe(true);
  });
});

describe('the providers that a request prefers', () => {
  it.each([
    [{ order: ['twin'] }, 'twin/raw-1'],
    [{ order: ['raw', 'twin'] }, 'raw/raw-1'],
    [{ only: ['twin'] }, 'twin/raw-1'],
    [{ ignore: ['raw', 'azure'] }, 'twin/raw-1'],
  ])('%j', async (provider, expected) => {
    expect(await answeredBy({ model: 'raw-1', provider })).toBe(expected);
  });

  it('are the only ones without fallbacks', async () => {
    upstream.answer = (response) => answerJson(response, { error: { message: 'down' } }, 500);
    const response = await chat({ model: 'raw-1', provider: { order: ['twin'], allow_fallbacks: false } });
    expect(response.status).toBe(502);
    expect(upstream.requests).toHaveLength(1);
    expect(upstream.requests[0]?.headers.authorization).toBe('Bearer twin-key');
  });

  it('that do not have the model leave nobody', async () => {
    const response = await chat({ model: 'raw-1', provider: { only: ['anthropic'] } });
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ error: { code: 'no_eligible_model', param: 'provider' } });
  });

  it('hold for auto', async () => {
    expect(await answeredBy({ model: 'auto', provider: { order: ['anthropic'] } })).toMatch(/^anthropic\//);
    expect(await answeredBy({ model: 'auto', provider: { only: ['openai'] } })).toMatch(/^openai\//);
  });
});

describe('what only OpenAI’s dialect can ask for', () => {
  it.each([
    ['n', { n: 2 }],
    ['logprobs', { logprobs: true }],
    ['tools', { tools: [{ type: 'custom', custom: { name: 'x' } }] }],
  ])('%s is never lost in a translation', async (param, more) => {
    const pinned = await chat({ model: 'claude-sonnet-5', ...more });
    expect(pinned.status).toBe(400);
    expect(await pinned.json()).toMatchObject({ error: { code: 'invalid_request', param } });
    expect(await answeredBy({ model: 'raw/raw-1', ...more })).toBe('raw/raw-1');
    expect(upstream.requests.at(-1)?.body).toContain(`"${Object.keys(more)[0] ?? ''}"`);
  });
});

describe('a request of the same dialect', () => {
  it('reaches the provider byte for byte but for the model and what steers the choice', async () => {
    const body =
      '{ "model": "raw/raw-1",\n "seed": 12345678901234567890, "messages": [{"role":"user","content":"h\\u00e9"}],"session_id":"s" , "new_parameter": 1.50 }';
    await fetch(`${app.url('router')}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    expect(upstream.requests[0]?.body).toBe(
      '{"model": "raw-1","seed": 12345678901234567890,"messages": [{"role":"user","content":"h\\u00e9"}],"new_parameter": 1.50}',
    );
  });

  it('has Azure’s header where it is Azure', async () => {
    await chat({ model: 'azure/raw-1' });
    expect(upstream.requests[0]?.headers).toMatchObject({ 'api-key': 'azure-key' });
    expect(upstream.requests[0]?.headers.authorization).toBeUndefined();
  });
});

describe('images, audio and moderation', () => {
  it('are handed on as JSON, with the model’s own name', async () => {
    const image = { created: 1, data: [{ b64_json: 'AA==' }] };
    upstream.answer = (response) => answerJson(response, image);
    const response = await postJson(`${app.url('router')}/v1/images/generations`, {
      model: 'raw/gpt-image-1',
      prompt: 'a bridge',
      unknown: true,
    });
    expect(await response.json()).toEqual(image);
    expect(JSON.parse(upstream.requests[0]?.body ?? '')).toEqual({
      model: 'gpt-image-1',
      prompt: 'a bridge',
      unknown: true,
    });
    const [attempt] = await endedAttempts(app, signalboxHeaders(response.headers)['decision-id']);
    expect(attempt).toMatchObject({ outcome: 'success', origin: 'pinned', model: 'gpt-image-1', cost_usd: null });
  });

  it('are handed on as a form, byte for byte but for the model', async () => {
    upstream.answer = (response) => answerJson(response, { text: 'hello' });
    const form = new FormData();
    form.set('model', 'raw/whisper-1');
    form.set('file', new Blob([new Uint8Array([0, 255, 13, 10, 45, 45])]), 'speech.wav');
    const response = await fetch(`${app.url('router')}/v1/audio/transcriptions`, { method: 'POST', body: form });
    expect(await response.json()).toEqual({ text: 'hello' });
    const received = upstream.requests[0];
    expect(received?.headers['content-type']).toMatch(/^multipart\/form-data; boundary=/);
    expect(received?.body).toMatch(/name="model"\r\n\r\nwhisper-1\r\n/);
    expect(received?.body).toContain('speech.wav');
  });

  it('take the first provider that serves them where no model is named', async () => {
    upstream.answer = (response) => answerJson(response, { id: 'm', model: 'omni', results: [] });
    const response = await postJson(`${app.url('router')}/v1/moderations`, { input: 'text' });
    expect(response.status).toBe(200);
    expect(signalboxHeaders(response.headers)).toMatchObject({ provider: 'raw', model: 'omni-moderation-latest' });
    expect(upstream.requests[0]?.body).toBe('{"input":"text"}');
  });

  it('say what is wrong', async () => {
    const missing = await postJson(`${app.url('router')}/v1/audio/speech`, { input: 'text' });
    expect(missing.status).toBe(400);
    expect(await missing.json()).toMatchObject({ error: { param: 'model' } });
    const elsewhere = await postJson(`${app.url('router')}/v1/audio/speech`, { model: 'claude-sonnet-5', input: 'x' });
    expect(elsewhere.status).toBe(400);
  });

  it('are refused to a key with a budget, which could not hold them', async () => {
    const { key } = await getJson<{ key: string }>(`${app.url('central')}/keys`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'small', budget: { limit_usd: 1, period: 'total' } }),
    });
    await expect
      .poll(async () => {
        const response = await postJson(
          `${app.url('router')}/v1/images/generations`,
          { model: 'raw/gpt-image-1', prompt: 'x' },
          { authorization: `Bearer ${key}` },
        );
        return response.status;
      })
      .toBe(402);
    expect(upstream.requests).toHaveLength(0);
  });
});
