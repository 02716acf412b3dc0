import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Model, modelSchema } from '../../../src/contracts/index.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import { type ListServer, startListServer } from './list-server.ts';
import {
  ask,
  modelIds,
  type ModelList,
  type ProviderList,
  type RegistryUnderTest,
  startRegistry,
  until,
} from './registry-under-test.ts';

let database: TestDatabase;
let openai: ListServer;
let other: ListServer;
let registry: RegistryUnderTest;
let url: string;

beforeAll(async () => {
  database = await createTestDatabase();
  openai = await startListServer('gpt-6-luna', 'gpt-6-sol', 'gpt-4o', 'gpt-9-preview', 'text-embedding-3-small');
  other = await startListServer('gpt-6-sol', 'my-own-model');
  const compatible = { name: 'aaa-gateway', kind: 'openai-compatible' as const, priceListId: null };
  registry = await startRegistry(database.pool, [openai.provider(), other.provider(compatible)]);
  url = registry.url;
});

afterAll(async () => {
  await registry.stop();
  await Promise.all([openai.stop(), other.stop()]);
  await database.drop();
});

describe('reading the catalogue', () => {
  it('lists models in the shape that users know, in order', async () => {
    const { status, body } = await ask<ModelList>(`${url}/models`);
    expect(status).toBe(200);
    expect(body.count).toBe(7);
    expect(body.models.map((model) => modelSchema.strict().parse(model))).toEqual(body.models);
    expect(body.models.map((model) => `${model.provider}/${model.model_id}`)).toEqual([
      'aaa-gateway/gpt-6-sol',
      'aaa-gateway/my-own-model',
      'openai/gpt-4o',
      'openai/gpt-6-luna',
      'openai/gpt-6-sol',
      'openai/gpt-9-preview',
      'openai/text-embedding-3-small',
    ]);
    expect(body.models.at(3)).toMatchObject({
      costs: { input_tokens_per_1k: 0.0001, output_tokens_per_1k: 0.0005, currency: 'USD' },
      performance: { avg_ttft_ms: null, avg_completion_ms: null, success_rate: null, quality_score: null },
      usage_count: 0,
    });
  });

  it.each([
    ['/models/stable', ['gpt-6-sol', 'my-own-model', 'gpt-6-luna', 'gpt-6-sol', 'text-embedding-3-small']],
    ['/models/refiners', ['gpt-6-luna']],
    ['/models/capability/embeddings', ['text-embedding-3-small']],
    ['/models/capability/tool_use', ['gpt-6-sol', 'gpt-4o', 'gpt-6-luna', 'gpt-6-sol']],
    ['/models/provider/openai', ['gpt-4o', 'gpt-6-luna', 'gpt-6-sol', 'gpt-9-preview', 'text-embedding-3-small']],
    ['/models/provider/nobody', []],
    ['/models?status=deprecated', ['gpt-4o']],
    ['/models?provider=aaa-gateway&capability=reasoning', ['gpt-6-sol']],
    ['/models?listed=false', []],
  ])('GET %s', async (path, ids) => {
    expect(await modelIds(`${url}${path}`)).toEqual(ids);
  });

  it('finds one model by its id, or by provider and id', async () => {
    const provider = async (id: string) => (await ask<Model>(`${url}/models/${id}`)).body.provider;
    expect(await provider('gpt-6-sol')).toBe('aaa-gateway');
    expect(await provider('openai%2Fgpt-6-sol')).toBe('openai');
    expect(await provider('gpt-4o')).toBe('openai');
  });

  it.each([
    ['/models/no-such-model', 404, 'model_not_found', 'id'],
    ['/models/nobody%2Fgpt-6-sol', 404, 'model_not_found', 'id'],
    ['/models/bad%20id', 400, 'invalid_request', 'id'],
    ['/models/capability/telepathy', 400, 'invalid_request', 'capability'],
    ['/models/provider/No%20Such', 400, 'invalid_request', 'provider'],
    ['/models?status=odd', 400, 'invalid_request', 'status'],
    ['/models?listed=maybe', 400, 'invalid_request', 'listed'],
    ['/nothing', 404, 'not_found', null],
  ])('GET %s answers %i', async (path, status, code, param) => {
    const answer = await ask(`${url}${path}`);
    expect(answer.status).toBe(status);
    expect(answer.body.error).toMatchObject({ code, param });
  });

  it('names the capabilities that there are', async () => {
    const { body } = await ask(`${url}/models/capability/telepathy`);
    expect(body.error.message).toMatch(/text_generation.*embeddings/);
  });

  it('tells the health of the providers, metrics and the API’s description', async () => {
    const { body } = await ask<ProviderList>(`${url}/providers`);
    expect(body.providers).toMatchObject([
      { provider: 'aaa-gateway', model_count: 2, simulated: false },
      { provider: 'openai', model_count: 5 },
    ]);
    await until(async () => {
      const page = await (await fetch(`${url}/metrics`)).text();
      const lines = new Set(page.split('\n'));
      return (
        lines.has('signalbox_registry_models{provider="openai",status="stable"} 3') &&
        lines.has('signalbox_registry_unknown_price_models{provider="aaa-gateway"} 2') &&
        lines.has('signalbox_registry_unknown_price_models{provider="openai"} 1')
      );
    });
    const { body: api } = await ask<{ paths: Record<string, unknown> }>(`${url}/openapi.json`);
    expect(Object.keys(api.paths)).toContain('/models/{id}/usage');
    expect((await fetch(`${url}/docs`)).status).toBe(200);
  });

  it('answers the documented commands', async () => {
    expect((await fetch(`${url}/health`)).status).toBe(200);
    expect((await fetch(`${url}/models/stable`)).status).toBe(200);
  });
});

/** The example of a model in the documentation. */
const example = {
  model_id: 'gpt-4o-2024-08-06',
  provider: 'openai',
  capabilities: {
    text_generation: true,
    multimodal: true,
    tool_use: true,
    long_context: true,
    streaming: true,
    function_calling: true,
    fast_inference: false,
  },
  performance: { avg_ttft_ms: 150, avg_completion_ms: 2500, success_rate: 0.98, quality_score: 0.92 },
  costs: { input_tokens_per_1k: 0.005, output_tokens_per_1k: 0.015, currency: 'USD' },
};

describe('changing the catalogue', () => {
  it('takes the documented model and gives it back, until it is deleted', async () => {
    const created = await ask<Model>(`${url}/models`, 'POST', example);
    expect(created.status).toBe(201);
    expect(created.body).toMatchObject(example);
    const path = `${url}/models/openai%2Fgpt-4o-2024-08-06`;
    expect((await ask<Model>(path)).body).toEqual(created.body);
    expect((await ask(`${url}/models`, 'POST', example)).status).toBe(409);

    expect(await ask(path, 'DELETE')).toEqual({ status: 204, body: null });
    expect((await ask(path)).status).toBe(404);
    expect((await ask(path, 'DELETE')).status).toBe(404);
  });

  it('changes what it is told and what follows from it', async () => {
    const path = `${url}/models/aaa-gateway%2Fmy-own-model`;
    const before = (await ask<Model>(path)).body;
    expect(before).toMatchObject({ refiner: false, costs: { input_tokens_per_1k: null } });

    const patch = { costs: { input_tokens_per_1k: 0.0001, output_tokens_per_1k: 0.0002 }, context_window: 200_000 };
    const { status, body } = await ask<Model>(path, 'PATCH', patch);
    expect(status).toBe(200);
    expect(body).toMatchObject({ ...patch, refiner: true, capabilities: { long_context: true, fast_inference: true } });
    expect(body.complexity_scores).not.toEqual(before.complexity_scores);
    expect((await ask<Model>(path, 'PATCH', {})).body.costs).toEqual(body.costs);
    expect((await ask<Model>(path, 'PATCH', { context_window: null })).body.context_window).toBeNull();
  });

  it('keeps every price that it is told', async () => {
    const path = `${url}/models/aaa-gateway%2Fgpt-6-sol`;
    const costs = {
      input_tokens_per_1k: 0.002,
      long_cache_write_tokens_per_1k: null,
      audio_input_tokens_per_1k: 0.032,
      tiers: [{ above_input_tokens: 200_000, input_tokens_per_1k: 0.004, output_tokens_per_1k: null }],
      service_tiers: { flex: 0.5 },
    };
    const { status, body } = await ask<Model>(path, 'PATCH', { costs });
    expect(status).toBe(200);
    expect(body.costs).toMatchObject(costs);
    expect((await ask<Model>(path, 'PATCH', { costs: { tiers: [], service_tiers: {} } })).body.costs).toEqual({
      ...body.costs,
      tiers: [],
      service_tiers: {},
    });
  });

  it('disables what the provider lists, and can enable it again', async () => {
    const path = `${url}/models/openai%2Fgpt-9-preview`;
    expect((await ask(path, 'DELETE')).status).toBe(204);
    expect((await ask<Model>(path)).body.status).toBe('disabled');
    expect((await ask<Model>(path, 'PATCH', { status: 'preview' })).body.status).toBe('preview');
  });

  it('counts and averages what is measured', async () => {
    const path = `${url}/models/openai%2Fgpt-6-luna/usage`;
    await ask(path, 'POST', { success: true, time_to_first_token_ms: 100, completion_ms: 900, quality_score: 1 });
    await ask(path, 'POST', { success: false });
    const { status, body } = await ask<Model>(path, 'POST', {
      success: true,
      complexity: 'simple',
      time_to_first_token_ms: 200,
      completion_ms: 1100,
      input_tokens: 10,
      output_tokens: 5,
    });
    expect(status).toBe(200);
    expect(body).toEqual({
      model_id: 'gpt-6-luna',
      provider: 'openai',
      usage_count: 3,
      performance: { avg_ttft_ms: 150, avg_completion_ms: 1000, success_rate: 2 / 3, quality_score: 1 },
    });
    expect((await ask<Model>(`${url}/models/openai%2Fgpt-6-luna`)).body.usage_count).toBe(3);
  });

  it('loses no measurement of many at once', async () => {
    const path = `${url}/models/openai%2Fgpt-6-sol/usage`;
    await Promise.all(Array.from({ length: 50 }, () => ask(path, 'POST', { success: true, completion_ms: 2 })));
    const { body } = await ask<Model>(`${url}/models/openai%2Fgpt-6-sol`);
    expect(body).toMatchObject({ usage_count: 50, performance: { avg_completion_ms: 2, success_rate: 1 } });
  });

  it('measured values stand in for declared ones, each by itself', async () => {
    const declared = { ...example, model_id: 'declared' };
    await ask(`${url}/models`, 'POST', declared);
    const { body } = await ask<Model>(`${url}/models/openai%2Fdeclared/usage`, 'POST', {
      success: true,
      completion_ms: 7,
    });
    expect(body.performance).toEqual({ avg_ttft_ms: 150, avg_completion_ms: 7, success_rate: 1, quality_score: 0.92 });
    await ask(`${url}/models/openai%2Fdeclared`, 'DELETE');
  });

  it.each<[string, string, unknown, number, string | null]>([
    ['POST', '/models', { provider: 'openai' }, 400, 'model_id'],
    ['POST', '/models', { ...example, provider: 'Open AI' }, 400, 'provider'],
    ['POST', '/models', { ...example, costs: { input_tokens_per_1k: -1 } }, 400, 'costs.input_tokens_per_1k'],
    ['POST', '/models', { ...example, capabilities: { telepathy: true } }, 400, 'capabilities'],
    ['POST', '/models', { ...example, surprise: 1 }, 400, 'body'],
    ['PATCH', '/models/gpt-4o', { complexity_scores: { simple: 5.1 } }, 400, 'complexity_scores.simple'],
    ['PATCH', '/models/gpt-4o', { context_window: 0 }, 400, 'context_window'],
    ['PATCH', '/models/gpt-4o', { model_id: 'other' }, 400, 'body'],
    ['PATCH', '/models/gpt-4o', { display_name: 'a\u0000b' }, 400, null],
    ['PATCH', '/models/no-such-model', {}, 404, 'id'],
    ['DELETE', '/models/no-such-model', undefined, 404, 'id'],
    ['POST', '/models/no-such-model/usage', { success: true }, 404, 'id'],
    ['POST', '/models/gpt-4o/usage', {}, 400, 'success'],
    ['POST', '/models/gpt-4o/usage', { success: true, quality_score: 2 }, 400, 'quality_score'],
  ])('%s %s refuses %j', async (method, path, body, status, param) => {
    const answer = await ask(`${url}${path}`, method, body);
    expect(answer.status).toBe(status);
    expect(answer.body.error.param).toBe(param);
  });

  it('has no answer of the server’s own fault for any body or id', async () => {
    const before = await ask<ModelList>(`${url}/models?listed=all`);
    const path = fc.constantFrom(
      '/models',
      '/models/gpt-4o',
      '/models/gpt-4o/usage',
      '/models/openai%2Fgpt-6-sol/usage',
    );
    const almost = fc.record(
      {
        model_id: fc.oneof(fc.string(), fc.constant('gpt-4o')),
        provider: fc.oneof(fc.string(), fc.constant('openai')),
        status: fc.oneof(fc.constant('odd'), fc.jsonValue()),
        display_name: fc.oneof(fc.string({ unit: 'binary' }), fc.jsonValue()),
        context_window: fc.oneof(fc.double(), fc.maxSafeInteger()),
        costs: fc.oneof(fc.jsonValue(), fc.record({ input_tokens_per_1k: fc.double() })),
        modalities: fc.jsonValue(),
        success: fc.jsonValue(),
        completion_ms: fc.double(),
        surprise: fc.jsonValue(),
      },
      { requiredKeys: ['surprise'] },
    );
    await fc.assert(
      fc.asyncProperty(
        path,
        fc.constantFrom('POST', 'PATCH'),
        fc.oneof(almost, fc.jsonValue()),
        async (to, method, body) => {
          expect((await ask(`${url}${to}`, method, body)).status).toBeLessThan(500);
        },
      ),
      { numRuns: 300 },
    );
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), fc.constantFrom('GET', 'DELETE'), async (id, method) => {
        expect((await ask(`${url}/models/x${encodeURIComponent(id)}`, method)).status).toBeLessThan(500);
      }),
      { numRuns: 200 },
    );
    expect((await ask<ModelList>(`${url}/models?listed=all`)).body).toEqual(before.body);
  });
});
