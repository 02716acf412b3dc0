import fc from 'fast-check';
import { pino } from 'pino';
import { Agent } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningApp, startApp } from '../../../src/app.ts';
import { type ServiceName, serviceNameSchema } from '../../../src/contracts/api.ts';
import { decisionsQueue } from '../../../src/contracts/event.ts';
import { createLiveConfig } from '../../../src/platform/config/live.ts';
import { loadConfig } from '../../../src/platform/config/load.ts';
import { queueMetrics } from '../../../src/platform/postgres/pgmq.ts';
import { decisionsDeadLetterQueue } from '../../../src/platform/postgres/queues.ts';
import { createMetrics } from '../../../src/platform/telemetry/metrics.ts';
import { freePorts, startTestProviders, type TestProviders } from '../../support/app.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import { type Answer, checkAnswer, decisionIdOf, laneIdsOf } from './answers.ts';
import { findKnownValues } from './known-values.ts';
import { malformedMessages, sendBytes } from './malformed-bytes.ts';
import { type HttpRequest, malformations } from './malformed-requests.ts';
import { type Operation, readOperations } from './operations.ts';

/** Equal seeds give equal requests; a failure names it with the smallest request that still fails. */
const seed = 20_261_121;
/** Enough for each kind; `npm run fuzz` sends as many as one likes. */
const requestsPerOperation = 150;
const services = serviceNameSchema.options;
/** Answers with events for as long as somebody listens. */
const endlessPath = '/live';

const agent = new Agent({ connections: 64, headersTimeout: 15_000, bodyTimeout: 15_000 });
const metrics = createMetrics();
let providers: TestProviders;
let database: TestDatabase;
let app: RunningApp;
/** Decisions that answers told of, and those of races. */
const decisionIds = new Set<string>();
const laneIds = new Set<string>();
const unhandled: unknown[] = [];
/** Log lines about errors that nobody foresaw. */
const faults: string[] = [];
const faultLog = pino(
  { level: 'error' },
  { write: (line: string) => void (line.includes('"code":"internal"') && faults.push(line)) },
);
const onUnhandled = (reason: unknown): void => void unhandled.push(reason);

beforeAll(async () => {
  process.on('unhandledRejection', onUnhandled);
  [database, providers] = await Promise.all([createTestDatabase(), startTestProviders()]);
  const config = loadConfig({
    env: { ...freePorts, ...providers.environment, DATABASE_URL: database.connectionString },
    cwd: '/nonexistent',
    flags: {
      log_level: 'silent',
      body_limit_bytes: 65_536,
      retries: { backoff_ms: 1 },
    },
  });
  app = await startApp({
    config: createLiveConfig(config),
    services,
    embeddedDatabase: false,
    simulator: false,
    log: faultLog,
    metrics,
  });
});

afterAll(async () => {
  await agent.close();
  await app.stop();
  await providers.stop();
  await database.drop();
  process.off('unhandledRejection', onUnhandled);
});

describe(`malformed requests (seed ${seed})`, () => {
  test.each(services)(
    'to every endpoint of %s are refused or answered',
    async (service) => {
      const { decisionId, known } = await findKnownValues(portOf('router'));
      decisionIds.add(decisionId);
      await untilConsumed();
      const operations = await readOperations(service, portOf(service));
      expect(operations.length).toBeGreaterThan(5);
      const results = await Promise.allSettled(
        operations.map(async (operation, index) => {
          const kinds = malformations(operation, known);
          const weights = kinds.reduce((sum, { weight }) => sum + weight, 0);
          const requests = requestsPerOperation / operation.sharedBy;
          for (const { weight, arbitrary } of kinds) {
            await fc.assert(
              fc.asyncProperty(arbitrary, async (request) => {
                const answer = await send(operation, request);
                checkAnswer(operation, request.method, answer);
              }),
              // Of those that are alike each gets others.
              { seed: seed + index, numRuns: Math.ceil((requests * weight) / weights), endOnFailure: false },
            );
          }
        }),
      );
      const failures = results.flatMap((result, index) =>
        result.status === 'rejected'
          ? [`${operations[index]?.method} ${operations[index]?.path}: ${explain(result.reason)}`]
          : [],
      );
      expect(failures).toEqual([]);
    },
    120_000,
  );

  test.each(services)(
    'that are no clean HTTP do not harm %s',
    async (service) => {
      for (const operation of await readOperations(service, portOf(service))) {
        if (operation.path === endlessPath) continue;
        await Promise.all(
          malformedMessages(operation).map(async (message) => {
            for (const answer of await sendBytes(operation.origin, message)) {
              remember(operation, answer);
              expect(answer.status, `${JSON.stringify(message).slice(0, 300)} → ${answer.body}`).toBeLessThan(500);
              if (answer.body !== '') checkAnswer(operation, operation.method, answer);
            }
          }),
        );
      }
    },
    60_000,
  );
});

describe('afterwards', () => {
  test('every service is well, and nothing was left unhandled', async () => {
    for (const service of services) {
      const response = await fetch(`http://127.0.0.1:${portOf(service)}/health`);
      expect(await response.json()).toMatchObject({ status: 'ok', service });
    }
    expect(unhandled).toEqual([]);
    expect(faults).toEqual([]);
  });

  test('a request is answered, and every decision is recorded once', async () => {
    const operations = await readOperations('router', portOf('router'));
    const router = operations.find((operation) => operation.path === '/v1/chat/completions');
    if (router === undefined) throw new Error('the router has no chat completions');
    for (const model of ['auto', 'gpt-6-sol']) {
      const answer = await send(router, {
        method: 'POST',
        path: router.path,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model, messages: [{ role: 'user', content: 'What is the capital of France?' }] }),
      });
      expect(answer).toMatchObject({ status: 200 });
    }
    await untilConsumed();

    const { rows } = await database.pool.query<{ decision_id: string; is_race: boolean }>(
      "select distinct decision_id, origin = 'race' as is_race from routing_records",
    );
    const idsOf = (isRace: boolean): Set<string> =>
      new Set(rows.filter((row) => row.is_race === isRace).map((row) => row.decision_id));
    expect(decisionIds.size).toBeGreaterThan(requestsPerOperation / 10);
    expect(idsOf(false)).toEqual(decisionIds);
    // Races that nobody won do not tell of their lanes.
    expect([...laneIds].filter((id) => !idsOf(true).has(id))).toEqual([]);
    expect(await queueMetrics(database.pool, decisionsDeadLetterQueue)).toMatchObject({ length: 0 });
  });
});

/** What fast-check found, with what was wrong about it. */
function explain(reason: unknown): string {
  return reason instanceof Error ? `${reason.message}\n${String(reason.cause)}` : String(reason);
}

function portOf(service: ServiceName): number {
  return app.ports[service] ?? 0;
}

async function send(operation: Operation, request: HttpRequest): Promise<Answer> {
  const response = await agent.request({
    origin: operation.origin,
    path: request.path,
    method: request.method,
    headers: request.headers,
    body: request.body,
  });
  const isEndless = operation.path === endlessPath && response.statusCode === 200;
  if (isEndless) response.body.on('error', () => undefined).destroy();
  const body = isEndless ? '' : await response.body.text();
  const answer: Answer = { status: response.statusCode, headers: response.headers, body };
  remember(operation, answer);
  return answer;
}

function remember(operation: Operation, answer: Answer): void {
  const decisionId = decisionIdOf(operation, answer);
  if (decisionId !== undefined) decisionIds.add(decisionId);
  for (const laneId of laneIdsOf(operation, answer)) laneIds.add(laneId);
}

async function untilConsumed(): Promise<void> {
  const buffered = metrics.gauge('signalbox_events_buffered');
  await expect
    .poll(
      async () => {
        const waiting = (await buffered.get()).values[0]?.value ?? 0;
        return waiting + (await queueMetrics(database.pool, decisionsQueue)).length;
      },
      { timeout: 15_000, interval: 50 },
    )
    .toBe(0);
}
