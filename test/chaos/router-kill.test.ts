import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type OpenAI from 'openai';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RunningApp, startApp } from '../../src/app.ts';
import { createLiveConfig } from '../../src/platform/config/live.ts';
import { loadConfig } from '../../src/platform/config/load.ts';
import { sleep } from '../../src/platform/core/clock.ts';
import { silentLogger } from '../../src/platform/telemetry/logger.ts';
import { createMetrics } from '../../src/platform/telemetry/metrics.ts';
import {
  freePorts,
  makeTestFolder,
  openAiClient,
  type SignalboxProcess,
  startSignalbox,
  startTestProviders,
  type TestProviders,
} from '../support/app.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { capital, patience, postJson, signalboxHeaders, user } from '../e2e/requests.ts';
import { beginStream, chunk, event, startUpstream, type Upstream } from '../e2e/upstream.ts';

// A router that is killed has sent nothing yet: `events.flush_ms` is longer than it lives.

const answersBeforeTheKill = 60;
const hanging = 3;

let providers: TestProviders;
let upstream: Upstream;
let database: TestDatabase;
let folder: Awaited<ReturnType<typeof makeTestFolder>>;
let others: RunningApp;
const routers: SignalboxProcess[] = [];

beforeAll(async () => {
  [providers, upstream, database, folder] = await Promise.all([
    startTestProviders(),
    startUpstream(),
    createTestDatabase(),
    makeTestFolder(),
  ]);
  others = await startApp({
    config: createLiveConfig(
      loadConfig({
        env: { ...freePorts, ...providers.environment, DATABASE_URL: database.connectionString },
        cwd: folder.folder,
        flags: { providers: [upstream.provider] },
      }),
    ),
    services: ['registry', 'central'],
    embeddedDatabase: false,
    simulator: false,
    log: silentLogger(),
    metrics: createMetrics(),
  });
});
afterAll(async () => {
  for (const router of routers) router.kill('SIGKILL');
  await Promise.all(routers.map((router) => router.waitForExit()));
  await others.stop();
  await Promise.all([providers.stop(), upstream.stop(), folder.remove()]);
  await database.drop();
});

async function startRouter(): Promise<{ process: SignalboxProcess; url: string }> {
  const config = {
    providers: [upstream.provider],
    events: { flush_ms: 60_000, batch_size: 1000 },
  };
  const process = startSignalbox(['serve', 'router'], {
    ...providers.environment,
    DATABASE_URL: database.connectionString,
    INSTANCE_ID: 'killed',
    SIGNALBOX_CONFIG: await folder.writeConfig(config),
    SIGNALBOX_DATA_DIR: folder.folder,
    LOG_LEVEL: 'warn',
  });
  routers.push(process);
  return { process, url: await process.url('router') };
}

/** A complete answer, as its client knows it. */
interface Answer {
  id: string;
  streamed: boolean;
  inputTokens: number;
  outputTokens: number;
  /** Null where the client is not told. */
  costUsd: string | null;
}

function toAnswer(headers: Headers, usage: OpenAI.CompletionUsage | null | undefined, streamed: boolean): Answer {
  const { 'decision-id': id = '', 'cost-usd': costUsd = null } = signalboxHeaders(headers);
  const { prompt_tokens: inputTokens = -1, completion_tokens: outputTokens = -1 } = usage ?? {};
  return { id, streamed, inputTokens, outputTokens, costUsd };
}

/** Asks for whole answers and streams in turn until the router is gone. */
async function ask(url: string, onAnswer: (answer: Answer) => void): Promise<void> {
  const { completions } = openAiClient(url).chat;
  const body = { model: 'auto', messages: user(capital) };
  try {
    for (;;) {
      const whole = await completions.create(body).withResponse();
      onAnswer(toAnswer(whole.response.headers, whole.data.usage, false));
      const streamed = await completions
        .create({ ...body, stream: true, stream_options: { include_usage: true } })
        .withResponse();
      let usage: OpenAI.CompletionUsage | null | undefined;
      for await (const each of streamed.data) usage = each.usage ?? usage;
      onAnswer(toAnswer(streamed.response.headers, usage, true));
    }
  } catch {
    // What was killed with it, nobody was told.
  }
}

/** A stream whose end the client has, while the provider holds the connection open. */
async function streamToItsLastEvent(url: string): Promise<string> {
  upstream.answer = (response) => {
    beginStream(response);
    response.write(event(chunk({ content: 'Hi' })) + event(chunk({}, 'stop')));
    setTimeout(() => response.write(event('[DONE]')), 20);
  };
  const response = await postJson(`${url}/v1/chat/completions`, { model: 'raw-1', messages: user('Hi'), stream: true });
  const decoder = new TextDecoder();
  let text = '';
  for await (const bytes of response.body ?? []) {
    text += decoder.decode(bytes, { stream: true });
    if (text.includes('[DONE]')) break;
  }
  return signalboxHeaders(response.headers)['decision-id'] ?? '';
}

interface Row {
  decision_id: string;
  outcome: string;
  streamed: boolean;
  input_tokens: number;
  output_tokens: number;
  cost_usd: number;
}

async function recorded(): Promise<Map<string, Row>> {
  const { rows } = await database.pool.query<Row>(
    `select decision_id, outcome::text, streamed, input_tokens::int, output_tokens::int, cost_usd from routing_records`,
  );
  expect(new Set(rows.map(({ decision_id: id }) => id)).size).toBe(rows.length);
  return new Map(rows.map((row) => [row.decision_id, row]));
}

it('a router that is killed loses no record of what it has answered', async () => {
  const victim = await startRouter();
  const ended = await streamToItsLastEvent(victim.url);
  upstream.answer = () => undefined;
  const before = upstream.requests.length;
  const unanswered = Array.from({ length: hanging }, () =>
    postJson(`${victim.url}/v1/chat/completions`, { model: 'raw-1', messages: user('Hi') }).catch(() => null),
  );
  await expect.poll(() => upstream.requests.length, patience).toBe(before + hanging);

  const answers: Answer[] = [];
  const clients = Array.from({ length: 6 }, () => ask(victim.url, (answer) => answers.push(answer)));
  await expect.poll(() => answers.length, patience).toBeGreaterThan(answersBeforeTheKill);
  await sleep(Math.random() * 100);
  expect(await recorded()).toEqual(new Map());
  victim.process.kill('SIGKILL');
  await Promise.all([victim.process.waitForExit(), ...clients]);
  expect(await Promise.all(unanswered)).toEqual(Array.from({ length: hanging }, () => null));

  const heir = await startRouter();
  await expect
    .poll(async () => {
      const records = await recorded();
      return [ended, ...answers.map(({ id }) => id)].filter((id) => records.get(id)?.outcome !== 'success');
    }, patience)
    .toEqual([]);
  const records = await recorded();
  for (const { id, streamed, inputTokens, outputTokens, costUsd } of answers) {
    const record = records.get(id);
    expect(record).toMatchObject({ streamed, input_tokens: inputTokens, output_tokens: outputTokens });
    expect(record?.cost_usd).toBeGreaterThan(0);
    expect(costUsd ?? record?.cost_usd.toFixed(8)).toBe(record?.cost_usd.toFixed(8));
  }
  expect(answers.filter(({ costUsd }) => costUsd !== null).length).toBeGreaterThan(answersBeforeTheKill / 4);
  // What was under way is on record, without an outcome: central will call it unknown.
  const { rows: open } = await database.pool.query(
    `select from routing_records where outcome = 'routed' and model = 'raw-1'`,
  );
  expect(open).toHaveLength(hanging);

  heir.process.kill('SIGTERM');
  expect(await heir.process.waitForExit()).toBe(0);
  expect(await readdir(path.join(folder.folder, 'outbox'))).toEqual([]);
}, 60_000);
