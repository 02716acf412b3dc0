/**
 * `npm run fuzz -- --requests 20000`: malformed requests to every endpoint of a whole system of its own, whose providers are
 * simulated. Exits 1 where a service answers with a fault of its own, does not answer, or ends.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { serviceNameSchema } from '../src/contracts/api.ts';
import { findKnownValues, type KnownValues } from '../test/integration/fuzz/known-values.ts';
import { readOperations } from '../test/integration/fuzz/operations.ts';
import { freePorts, startTestProviders } from '../test/support/app.ts';
import { runScript } from '../test/support/child-process.ts';
import { type Finding, runCampaign } from './fuzz/campaign.ts';

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '20000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    connections: { type: 'string', default: '32' },
  },
});
const requests = Number(values.requests);
const seed = Number(values.seed);
const connections = Number(values.connections);
if (![requests, seed, connections].every((value) => Number.isInteger(value) && value > 0)) {
  console.error('npm run fuzz -- [--requests 20000] [--seed N] [--connections 32]: whole numbers above 0');
  process.exit(1);
}

const folder = await mkdtemp(path.join(tmpdir(), 'signalbox-fuzz-'));
const providers = await startTestProviders();
const signalbox = runScript('src/cli/main.ts', ['up'], {
  cwd: folder,
  // A group of its own: Ctrl-C ends the sending, and what was found until then is told.
  detached: true,
  env: {
    PATH: process.env['PATH'],
    HOME: folder,
    LOG_LEVEL: 'error',
    ...freePorts,
    ...providers.environment,
  },
});
let exitCode: number | null | undefined;
let isInterrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => (isInterrupted = true));
void signalbox.waitForExit().then((code) => (exitCode = code));
const findings = new Map<string, { count: number; first: Finding }>();

try {
  const { ports } = await signalbox.waitForLine<{ ports: Record<string, number> }>((line) => line['ready'] === true);
  const portOf = (service: string): number => ports[service] ?? 0;
  const operations = await Promise.all(
    serviceNameSchema.options.map((service) => readOperations(service, portOf(service))),
  );
  console.log(`${requests} requests to ${operations.flat().length} endpoints, seed ${seed}`);
  await fuzz(operations.flat(), (await findKnownValues(portOf('router'))).known);
  if (exitCode === undefined) await checkHealth(portOf);
} finally {
  if (exitCode === undefined) {
    signalbox.kill('SIGTERM');
    await signalbox.waitForExit();
  }
  await providers.stop();
  await rm(folder, { recursive: true, force: true });
}

for (const [kind, { count, first }] of findings) {
  console.log(
    `\n${kind} (${count} times), such as\n  ${first.request.slice(0, 2000)}\n  → ${first.answer.slice(0, 500)}`,
  );
}
if (findings.size > 0) console.log(`\nlast of the log:\n${signalbox.stderr().slice(-4000)}`);
console.log(findings.size === 0 ? 'no findings' : `\n${findings.size} kinds of findings`);
process.exitCode = findings.size === 0 ? 0 : 1;

async function fuzz(operations: Parameters<typeof runCampaign>[0]['operations'], known: KnownValues): Promise<void> {
  const statuses = new Map<string, number>();
  let done = 0;
  const startedMs = performance.now();
  const elapsed = (): number => (performance.now() - startedMs) / 1000;
  const timer = setInterval(() => console.log(`${done} after ${Math.round(elapsed())} s`), 10_000);
  await runCampaign({
    operations,
    known,
    requests,
    seed,
    connections,
    isStopped: () => isInterrupted || exitCode !== undefined,
    onDone(status) {
      done += 1;
      const kind = status === null ? 'none' : status === 0 ? 'bytes' : `${Math.floor(status / 100)}xx`;
      statuses.set(kind, (statuses.get(kind) ?? 0) + 1);
    },
    onFinding: note,
  });
  clearInterval(timer);
  if (exitCode !== undefined) {
    note({ kind: 'signalbox ended', request: `among the ${connections} before ${done}`, answer: `code ${exitCode}` });
  }
  console.log([...statuses].map(([kind, count]) => `${kind}: ${count}`).join(', '));
  console.log(`${done} in ${Math.round(elapsed())} s, ${Math.round(done / elapsed())} a second`);
}

function note(finding: Finding): void {
  const known = findings.get(finding.kind);
  if (known === undefined) findings.set(finding.kind, { count: 1, first: finding });
  else known.count += 1;
}

async function checkHealth(portOf: (service: string) => number): Promise<void> {
  for (const service of serviceNameSchema.options) {
    const answer = await (await fetch(`http://127.0.0.1:${portOf(service)}/health`)).text();
    if (!answer.includes('"status":"ok"')) note({ kind: `${service} is not well`, request: '/health', answer });
  }
}
