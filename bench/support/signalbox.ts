import { setTimeout as pause } from 'node:timers/promises';
import { notice } from './progress.ts';
import { startProcess } from './process.ts';
import { descendants, sharedMemoryMiB } from './proc.ts';
import type { Gateway } from './target.ts';

const program = new URL('../../src/cli/main.ts', import.meta.url);
const anyPort = { REGISTRY_PORT: '0', ROUTER_PORT: '0', UPGRADE_PORT: '0', CENTRAL_PORT: '0' };
const masterKey = 'a-master-key-for-the-benchmark';
const withMasterKey = { authorization: `Bearer ${masterKey}` };
const restMs = 5000;

/** The router beside the services that it works with, on a PostgreSQL. */
export interface SignalboxGateway extends Gateway {
  /** What its virtual key has spent of its budget; null where it has none. */
  spentUsd(): Promise<number | null>;
  /** The value of one of its metrics, all label values together; 0 where there is none of that name. */
  metric(name: string): Promise<number>;
}

function environment(upstreamUrl: string): Record<string, string> {
  return {
    ...anyPort,
    OPENAI_BASE_URL: `${upstreamUrl}/v1`,
    OPENAI_API_KEY: 'bench',
    SIGNALBOX_MASTER_KEY: masterKey,
  };
}

/** Registry and central as processes of their own, for any number of routers; the requests carry a virtual key with a budget. */
export interface Services {
  env: Readonly<Record<string, string>>;
  centralUrl: string;
  key: { key: string; key_id: string } | null;
}

export async function startServices(upstreamUrl: string, connectionString: string): Promise<Services> {
  const env = { ...environment(upstreamUrl), DATABASE_URL: connectionString };
  await startProcess(program, { args: ['serve', 'registry'], env });
  const central = await startProcess(program, { args: ['serve', 'central'], env });
  const centralUrl = `http://127.0.0.1:${central.ports['central'] ?? 0}`;
  return { env, centralUrl, key: await createKey(centralUrl) };
}

/** The router beside registry and central. */
export async function startSignalbox(upstreamUrl: string, connectionString: string): Promise<SignalboxGateway> {
  return startRouter(await startServices(upstreamUrl, connectionString));
}

/** `more`: what is set for this router alone. */
export async function startRouter(
  { env, centralUrl, key }: Services,
  more: Readonly<Record<string, string>> = {},
): Promise<SignalboxGateway> {
  const router = await startProcess(program, { args: ['serve', 'router'], env: { ...env, ...more }, probe: true });
  return {
    port: router.port,
    process: router,
    headers: key === null ? withMasterKey : { authorization: `Bearer ${key.key}` },
    async spentUsd() {
      if (key === null) return null;
      const response = await fetch(`${centralUrl}/keys/${key.key_id}`, { headers: withMasterKey });
      const { budget } = (await response.json()) as { budget: { spent_usd: number } };
      return budget.spent_usd;
    },
    async metric(name) {
      const response = await fetch(`http://127.0.0.1:${router.port}/metrics`, { headers: withMasterKey });
      const values = (await response.text()).matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)`, 'gm'));
      return [...values].reduce((sum, [, value]) => sum + Number(value), 0);
    },
  };
}

/** A key whose budget no run can spend, so that every request is counted against it. */
async function createKey(centralUrl: string): Promise<{ key: string; key_id: string } | null> {
  const response = await fetch(`${centralUrl}/keys`, {
    method: 'POST',
    headers: { ...withMasterKey, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'bench', budget: { limit_usd: 1_000_000, period: 'month' } }),
  });
  if (!response.ok) {
    notice(`no virtual key (${response.status} ${(await response.text()).slice(0, 200)}): measured without a budget`);
    return null;
  }
  return (await response.json()) as { key: string; key_id: string };
}

/** Start-up of the whole system on an empty folder and on a filled one, and its memory at rest. */
export async function measureStart(upstreamUrl: string, dataDir: string) {
  const options = { args: ['up', '--data-dir', dataDir], env: environment(upstreamUrl) };
  const first = await startProcess(program, options);
  await first.stop();
  const later = await startProcess(program, options);
  await pause(restMs);
  const rest = { nodeMiB: sharedMemoryMiB([later.pid]), postgresMiB: sharedMemoryMiB(descendants(later.pid)) };
  await later.stop();
  return { firstStartSeconds: first.startedInMs / 1000, laterStartSeconds: later.startedInMs / 1000, ...rest };
}
