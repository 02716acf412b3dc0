import type { RoutingEvent } from '../../src/contracts/event.ts';
import { loadConfig } from '../../src/platform/config/load.ts';
import { uuidv7 } from '../../src/platform/core/ids.ts';
import { createPool } from '../../src/platform/postgres/pool.ts';
import { silentLogger } from '../../src/platform/telemetry/logger.ts';
import { createMetrics } from '../../src/platform/telemetry/metrics.ts';
import { createPublisher } from '../../src/router/publish/publisher.ts';
import { createRandom } from '../../src/statistics/random.ts';

// What a router sends, in a process that a test can kill: `node publisher-process.ts OPTIONS`. It ends when all is sent.

export interface PublisherProcessOptions {
  connectionString: string;
  instanceId: string;
  dataDir: string;
  decisions: number;
  /** How long it takes to publish them. */
  overMs: number;
  seed: string;
}

const options = JSON.parse(process.argv[2] ?? '') as PublisherProcessOptions;
const { connectionString, instanceId, decisions, overMs } = options;
const random = createRandom(options.seed);
const log = silentLogger();
const pool = createPool({ connectionString, applicationName: instanceId, max: 2, log });
const { events } = loadConfig({ env: {}, cwd: import.meta.dirname });
const publisher = createPublisher({
  pool,
  connectionString,
  instanceId,
  dataDir: options.dataDir,
  bufferSize: events.buffer_size,
  batchSize: events.batch_size,
  flushMs: 20,
  outboxMaxBytes: events.outbox_max_bytes,
  log,
  metrics: createMetrics(),
});

const outcomes = ['success', 'success', 'success', 'failure', 'timeout', 'cancelled'] as const;

function decisionEvents(): [routed: RoutingEvent, outcome: RoutingEvent] {
  const base = { timestamp: new Date().toISOString(), instance_id: instanceId };
  const fields = {
    complexity: random.pick(['simple', 'medium', 'complex'] as const),
    selected_model: random.pick(['m-1', 'm-2', 'm-3']),
    selected_provider: 'openai',
    complexity_score: 4,
    decision_id: uuidv7(),
    attempt: 0,
  };
  const outcome = random.pick(outcomes);
  return [
    {
      ...base,
      event_id: uuidv7(),
      routing_decision: { ...fields, outcome: 'routed', explanation: { summary: 'why' } },
    },
    {
      ...base,
      event_id: uuidv7(),
      routing_decision: {
        ...fields,
        outcome,
        response_time_ms: outcome === 'success' ? random.int(1000) : null,
        input_tokens: random.int(1000),
        output_tokens: random.int(1000),
        // Sums of such fractions come out even, in whatever order they are added.
        cost_usd: random.int(1024) / 1024,
      },
    },
  ];
}

/** Outcomes come up to 300 ms after their decisions, now and then before them, and a tenth of all events comes twice. */
function publishSoon(event: RoutingEvent, delayMs: number): void {
  setTimeout(() => publisher.publish(event), delayMs);
  if (random.chance(0.1)) setTimeout(() => publisher.publish(event), delayMs + random.next() * 200);
}

await publisher.start();
process.stdout.write('{"ready":true}\n');
const startedAtMs = performance.now();
for (let made = 0; made < decisions;) {
  for (; made < ((performance.now() - startedAtMs) / overMs) * decisions && made < decisions; made += 1) {
    const [routed, outcome] = decisionEvents();
    publishSoon(routed, random.next() * 50);
    // Of some the outcome never comes.
    if (random.chance(0.98)) publishSoon(outcome, random.next() * 300);
  }
  await new Promise((resolve) => setTimeout(resolve, 5));
}
await new Promise((resolve) => setTimeout(resolve, 600));
await publisher.stop();
await pool.end();
