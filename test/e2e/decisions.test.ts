import type { ServerResponse } from 'node:http';
import { escapeIdentifier } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RouteResponse } from '../../src/contracts/decision.ts';
import type { ScoreUpdate } from '../../src/contracts/event.ts';
import {
  makeTestFolder,
  openAiClient,
  providerKeys,
  startSignalbox,
  startTestApp,
  startTestProviders,
  type TestApp,
} from '../support/app.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { capital, collect, endedAttempts, getJson, patience, postJson, signalboxHeaders, user } from './requests.ts';
import { answerInTwoParts, answerJson, chunk, completion, event, startUpstream } from './upstream.ts';

interface MetricsRow {
  model: string;
  complexity: string;
  success_count: number;
  usage_count: number;
  feedback_count: number;
  feedback_mean: number | null;
}

describe('a decision', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp({ config: { learner: { min_samples: 10, interval_ms: 100 } } });
  });
  afterAll(() => app.stop());

  async function ask(model: string, more: object = {}) {
    const { data, response } = await app.client.chat.completions
      .create({ model, messages: user(capital), ...more })
      .withResponse();
    return { data, headers: signalboxHeaders(response.headers) };
  }

  async function metricsOf(model: string, complexity = 'simple'): Promise<MetricsRow | undefined> {
    const { models } = await getJson<{ models: MetricsRow[] }>(`${app.url('central')}/metrics/models`);
    return models.find((row) => row.model === model && row.complexity === complexity);
  }

  async function rowsOf(decisionId: string | undefined): Promise<Record<string, unknown>[]> {
    const { rows } = await app.database.pool.query<Record<string, unknown>>(
      'select * from routing_records where decision_id = $1 order by attempt',
      [decisionId],
    );
    return rows;
  }

  function decide(body: object): Promise<RouteResponse> {
    return postJson(`${app.url('router')}/route`, body).then((response) => response.json() as Promise<RouteResponse>);
  }

  it('and its outcome can be read at central and in the table, with tokens, cost and explanation', async () => {
    const { data, headers } = await ask('auto');
    const [attempt] = await endedAttempts(app, headers['decision-id']);
    const { usage } = data;
    expect(attempt).toMatchObject({
      decision_id: headers['decision-id'],
      attempt: 0,
      model: headers['model'],
      provider: headers['provider'],
      complexity: headers['complexity'],
      query_type: headers['query-type'],
      outcome: 'success',
      origin: 'auto',
      propensity: 1,
      requested_model: 'auto',
      response_model: data.model,
      streamed: false,
      input_tokens: usage?.prompt_tokens,
      output_tokens: usage?.completion_tokens,
      usage_estimated: false,
      http_status: 200,
      error_code: null,
    });
    expect(attempt?.['cost_usd']).toBeCloseTo(Number(headers['cost-usd']), 8);
    expect(attempt?.['response_time_ms']).toBeGreaterThanOrEqual(0);
    const explanation = attempt?.explanation;
    expect(explanation?.summary).toContain(headers['model']);
    expect(explanation?.candidates[0]).toMatchObject({ model: headers['model'], score_source: 'catalogue' });
    expect(explanation?.candidates.length).toBeGreaterThan(3);

    const [row] = await rowsOf(headers['decision-id']);
    expect(row).toMatchObject({
      model: attempt?.model,
      complexity: attempt?.['complexity'],
      outcome: 'success',
      input_tokens: usage?.prompt_tokens,
      output_tokens: usage?.completion_tokens,
      cost_usd: attempt?.['cost_usd'],
      explanation,
    });

    const { decisions } = await getJson<{ decisions: Array<{ decision_id: string; explanation: unknown }> }>(
      `${app.url('central')}/decisions?model=${headers['model'] ?? ''}&outcome=success`,
    );
    expect(decisions).toContainEqual(
      expect.objectContaining({ decision_id: headers['decision-id'], explanation: null }),
    );
  });

  it('of a stream has its usage, asked for by the client or not, and the time to its first token', async () => {
    for (const include of [true, false]) {
      const { data: stream, response } = await app.client.chat.completions
        .create({
          model: 'claude-sonnet-5',
          messages: user(capital),
          stream: true,
          ...(include ? { stream_options: { include_usage: true } } : {}),
        })
        .withResponse();
      const usage = (await collect(stream)).at(-1)?.usage;
      const [attempt] = await endedAttempts(app, signalboxHeaders(response.headers)['decision-id']);
      expect(attempt).toMatchObject({
        outcome: 'success',
        streamed: true,
        origin: 'pinned',
        usage_estimated: false,
        ...(include ? { input_tokens: usage?.prompt_tokens, output_tokens: usage?.completion_tokens } : {}),
      });
      expect(usage === undefined || usage === null).toBe(!include);
      expect(attempt?.['output_tokens']).toBeGreaterThan(0);
      expect(attempt?.['time_to_first_token_ms']).toBeTypeOf('number');
      expect(attempt?.['cost_usd']).toBeGreaterThan(0);
    }
  });

  it.each(['gpt-6-sol', 'claude-sonnet-5'])(
    'whose client goes away within its stream is cancelled at the provider too (%s)',
    async (model) => {
      await app.providers.fail({ fault: 'stall_after:3:60000', model });
      const { data: stream, response } = await app.client.chat.completions
        .create({ model, messages: user('Write about bridges and rivers'), stream: true })
        .withResponse();
      for await (const { choices } of stream) if (choices[0]?.delta.content) break;
      stream.controller.abort();
      await expect.poll(() => app.providers.stats(model), patience).toMatchObject({ aborted: 1, open: 0 });
      const [attempt] = await endedAttempts(app, signalboxHeaders(response.headers)['decision-id']);
      expect(attempt).toMatchObject({ outcome: 'cancelled', streamed: true, error_code: null, usage_estimated: true });
      await app.providers.reset();
    },
  );

  it('without a call is recorded as routed', async () => {
    const { decision_id: id, model_id: model } = await decide({ query: capital });
    await expect.poll(() => rowsOf(id), patience).toMatchObject([{ model, outcome: 'routed', cost_usd: null }]);
  });

  it('is corrected by feedback, which may come before the outcome was counted', async () => {
    const model = 'gpt-5.4-mini';
    const feedback = (body: object) => postJson(`${app.url('router')}/feedback`, body);
    const [bad, good] = [(await ask(model)).headers['decision-id'], (await ask(model)).headers['decision-id']];
    expect((await feedback({ decision_id: bad, score: 0.1 })).status).toBe(202);
    expect((await feedback({ decision_id: good, outcome: 'success', score: 0.9 })).status).toBe(202);
    await expect
      .poll(() => metricsOf(model), patience)
      .toMatchObject({ usage_count: 2, success_count: 1, feedback_count: 2, feedback_mean: 0.5 });
    expect(await endedAttempts(app, bad)).toMatchObject([{ outcome: 'success', feedback_score: 0.1 }]);

    // Whoever changes their mind is counted once.
    await feedback({ decision_id: bad, score: 1 });
    await expect.poll(() => metricsOf(model), patience).toMatchObject({ success_count: 2, feedback_count: 2 });

    const unknown = await feedback({ decision_id: '0190a5b2-0000-7000-8000-000000000000', score: 1 });
    expect([unknown.status, await unknown.json()]).toMatchObject([404, { error: { param: 'decision_id' } }]);
    expect((await feedback({ decision_id: bad })).status).toBe(400);
  });

  it('is made with the scores that were learned from feedback and failures', async () => {
    for (let request = 0; request < 12; request += 1) {
      const { headers } = await ask('gpt-6-luna');
      await postJson(`${app.url('router')}/feedback`, { decision_id: headers['decision-id'], score: 0 });
    }
    await app.providers.fail({ fault: 'http_500', model: 'gpt-6-astra' });
    for (let request = 0; request < 6; request += 1) await ask('gpt-6-astra').catch(() => undefined);
    await app.providers.reset();

    interface Scores {
      scores: Array<{ model: string; complexity: string; score: number; catalogue_score: number; seq: number }>;
      history: Array<{ model: string; old_score: number; new_score: number; seq: number }>;
    }
    let learned: Scores = { scores: [], history: [] };
    await expect
      .poll(async () => {
        learned = await getJson<Scores>(`${app.url('central')}/scores`);
        return learned.scores.map(({ model, complexity }) => `${model} ${complexity}`).sort();
      }, patience)
      .toEqual(['gpt-6-astra simple', 'gpt-6-luna simple']);

    for (const { model, score, catalogue_score: before } of learned.scores) {
      expect(score, model).toBeLessThan(before);
      // The queue of the seed has every change under its keys, in order, and each step begins where the last one ended.
      const { rows } = await app.database.pool.query<{ message: ScoreUpdate }>(
        `select message from pgmq.q_model_score_updates where message->>'model' = $1 order by msg_id`,
        [model],
      );
      const updates = rows.map(({ message }) => message);
      for (const update of updates) {
        expect(update).toMatchObject({
          timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
          event_type: 'model_score_update',
          model,
          complexity: 'simple',
          old_score: expect.any(Number),
          new_score: expect.any(Number),
          reason: expect.stringContaining('success'),
        });
      }
      expect(updates[0]?.old_score).toBe(before);
      expect(updates.at(-1)?.new_score).toBe(score);
      expect(updates.slice(1).map((update) => update.old_score)).toEqual(
        updates.slice(0, -1).map((update) => update.new_score),
      );
      expect(learned.history).toContainEqual(expect.objectContaining({ model, old_score: before }));

      await expect
        .poll(async () => {
          const { explanation } = await decide({ query: capital });
          return explanation.candidates.find((candidate) => candidate.model === model);
        }, patience)
        .toMatchObject({ score_source: 'learned', complexity_score: score });
    }

    const { headers } = await ask('auto');
    const [attempt] = await endedAttempts(app, headers['decision-id']);
    const learnedOf = attempt?.explanation?.candidates.filter((candidate) => candidate.score_source === 'learned');
    expect(learnedOf?.map(({ model }) => model).sort()).toEqual(['gpt-6-astra', 'gpt-6-luna']);
  });
});

/** Tables that hold the text anywhere in a row, in whatever column of whatever type. */
async function tablesWith(database: TestDatabase, text: string): Promise<string[]> {
  const { rows: tables } = await database.pool.query<{ schema: string; name: string }>(
    `select table_schema as schema, table_name as name from information_schema.tables
     where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')`,
  );
  const found: string[] = [];
  for (const { schema, name } of tables) {
    const { rowCount } = await database.pool.query(
      `select 1 from ${escapeIdentifier(schema)}.${escapeIdentifier(name)} as row_of_table
       where position($1 in lower(row_of_table::text)) > 0 or position($2 in row_of_table::text) > 0 limit 1`,
      [text.toLowerCase(), Buffer.from(text).toString('hex')],
    );
    if (rowCount !== 0) found.push(`${schema}.${name}`);
  }
  return found;
}

describe('what people write and what models answer', () => {
  const asked = 'zqxmarkerasked';
  const answered = 'zqxmarkeranswered';
  const masterKey = 'zqx-master-key-0123456789';
  const rawKey = 'zqx-raw-provider-key';

  it('is in no table and in no log, whatever goes wrong, and neither is a key', async () => {
    const [upstream, providers, database, folder] = await Promise.all([
      startUpstream(),
      startTestProviders(),
      createTestDatabase(),
      makeTestFolder(),
    ]);
    const signalbox = startSignalbox(['up'], {
      ...providers.environment,
      DATABASE_URL: database.connectionString,
      SIGNALBOX_CONFIG: await folder.writeConfig({
        providers: [{ ...upstream.provider, api_key_env: 'RAW_KEY' }],
        retries: { backoff_ms: 1 },
      }),
      RAW_KEY: rawKey,
      SIGNALBOX_MASTER_KEY: masterKey,
      LOG_LEVEL: 'trace',
    });
    try {
      const router = await signalbox.url('router');
      const central = await signalbox.url('central');
      const headers = { authorization: `Bearer ${masterKey}` };
      const client = openAiClient(router, masterKey);
      const post = (path: string, body: unknown) =>
        postJson(router + path, body, { ...headers, cookie: `a=${asked}`, 'x-note': asked });
      const send = async (path: string, body: unknown) => (await post(path, body)).text();
      const tool = { type: 'function', function: { name: 'look', description: asked, parameters: { title: asked } } };
      const body = {
        messages: [
          { role: 'system', content: `Be kind, ${asked}.` },
          { role: 'user', content: [{ type: 'text', text: `Explain ${asked} and the weather` }] },
        ],
        tools: [tool],
        user: asked,
        session_id: asked,
        metadata: { note: asked },
      };
      const chat = (model: string, more: object = {}) => send('/v1/chat/completions', { ...body, model, ...more });

      // Answers: whole and streamed, passed through and translated, chosen and pinned.
      upstream.answer = (response) => answerJson(response, completion(`It is ${answered}.`));
      expect(await chat('raw-1')).toContain(answered);
      for (const model of ['auto', 'gpt-6-sol', 'claude-sonnet-5']) {
        expect(await chat(model)).toContain(asked);
        expect(await chat(model, { stream: true })).toContain('[DONE]');
      }
      // Everything that a provider can do wrong, each time with the prompt in its words.
      const errors = { error: { message: `${asked} ${answered}`, type: answered, code: answered, param: asked } };
      for (const status of [400, 401, 404, 429, 500]) {
        upstream.answer = (response) => answerJson(response, errors, status);
        await chat('raw-1');
        await chat('raw-1', { stream: true });
      }
      upstream.answer = (response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(`{"choices": ${answered}`);
      };
      await chat('raw-1');
      const halves: Array<(response: ServerResponse) => void> = [
        (response) => response.end(event(errors)),
        (response) => response.end(`data: {"${answered}\n\n${answered}: x\n\n`),
        (response) => response.destroy(),
      ];
      for (const half of halves) {
        const goOn = answerInTwoParts(upstream, event(chunk({ content: answered })));
        const response = await post('/v1/chat/completions', { ...body, model: 'raw-1', stream: true });
        goOn(half);
        expect(await response.text()).toContain(answered);
      }
      // And everything that the client can do wrong.
      await send('/v1/chat/completions', `{"model":"auto","messages":[{"content":"${asked}`);
      await chat('auto', { messages: [{ role: asked, content: asked }] });
      await chat('auto', { messages: [{ role: 'user', content: { [asked]: asked } }] });
      await chat('auto', { provider: { only: ['nobody'] } });
      await chat('claude-sonnet-5', { messages: [{ role: 'user', content: [{ type: asked, text: asked }] }] });
      await send('/route', { query: `Explain ${asked}` });
      await send('/route/refinement', { query: `Explain ${asked}`, refinement_type: asked });
      await send('/classify', { query: asked });
      await fetch(`${router}/classify?query=${asked}`, { headers });
      await fetch(`${router}/${asked}?q=${asked}`, { headers });
      await fetch(`${router}/health?key=${asked}`, { headers: { authorization: `Bearer ${rawKey}` } });
      await fetch(`${router}/v1/models`, { headers: { authorization: `Bearer ${asked}` } });

      const last = await client.chat.completions.create({ model: 'gpt-6-sol', messages: user(asked) }).withResponse();
      const url = `${central}/decisions/${signalboxHeaders(last.response.headers)['decision-id'] ?? ''}`;
      const isCounted = async () => {
        const response = await fetch(url, { headers });
        return response.ok && (await response.text()).includes('"outcome":"success"');
      };
      await expect.poll(isCounted, patience).toBe(true);

      // The search finds what is there, or it would prove nothing.
      expect(await tablesWith(database, 'raw-1')).toEqual(
        expect.arrayContaining(['public.models', 'public.model_routing_metrics']),
      );
      signalbox.kill('SIGTERM');
      expect(await signalbox.waitForExit()).toBe(0);
      const logs = signalbox.stderr() + signalbox.stdout();
      expect(logs).toContain('"level":"debug"');
      for (const secret of [asked, answered, masterKey, rawKey, ...Object.values(providerKeys)]) {
        expect(await tablesWith(database, secret), secret).toEqual([]);
        expect(logs.toLowerCase().includes(secret), secret).toBe(false);
      }
      const password = new URL(database.connectionString).password;
      expect(password.length).toBeGreaterThan(5);
      expect(logs).not.toContain(password);
    } finally {
      signalbox.kill('SIGKILL');
      await signalbox.waitForExit();
      await Promise.all([upstream.stop(), providers.stop(), folder.remove()]);
      await database.drop();
    }
  });
});
