import fc from 'fast-check';
import { Agent } from 'undici';
import { errorCatalogue } from '../../src/platform/core/errors.ts';
import { faultsAllowedTo } from '../../test/integration/fuzz/allowed-faults.ts';
import type { KnownValues } from '../../test/integration/fuzz/known-values.ts';
import { malformedMessages, sendBytes } from '../../test/integration/fuzz/malformed-bytes.ts';
import { type HttpRequest, malformedRequests } from '../../test/integration/fuzz/malformed-requests.ts';
import type { Operation } from '../../test/integration/fuzz/operations.ts';

/** Something that must not happen, and one request that makes it happen. */
export interface Finding {
  /** What it has in common with others: endpoint and fault. */
  kind: string;
  request: string;
  answer: string;
}

export interface CampaignOptions {
  operations: readonly Operation[];
  known: KnownValues;
  requests: number;
  /** Equal seeds give equal requests, but for ids that the running system gave. */
  seed: number;
  connections: number;
  /** Sees each request that was answered with this status (0: bytes that were no request), or not at all (null). */
  onDone(status: number | null): void;
  onFinding(finding: Finding): void;
  isStopped(): boolean;
}

/** Requests for one endpoint before the next has its turn. */
const perTurn = 20;
const answerTimeoutMs = 30_000;
/** Answers with events for as long as somebody listens. */
const endlessPath = '/live';

type Shot = { operation: Operation } & ({ request: HttpRequest } | { bytes: string });

/** Sends the requests, as many at once as there are connections. */
export async function runCampaign(options: CampaignOptions): Promise<void> {
  const { connections, isStopped, onDone, onFinding } = options;
  const agent = new Agent({ connections, headersTimeout: answerTimeoutMs, bodyTimeout: answerTimeoutMs });
  const shots = shotsOf(options);
  async function shoot(): Promise<void> {
    for (const shot of shots) {
      if (isStopped()) return;
      try {
        onDone(await send(agent, shot, onFinding));
      } catch (error) {
        onDone(null);
        const why = error instanceof Error ? error.message : String(error);
        onFinding({ kind: `${nameOf(shot.operation)}: no answer`, request: textOf(shot), answer: why });
      }
    }
  }
  // All take from the one generator.
  await Promise.all(Array.from({ length: connections }, shoot));
  await agent.destroy();
}

function* shotsOf({ operations, known, requests, seed }: CampaignOptions): Generator<Shot, void> {
  let left = requests;
  for (let turn = 0; ; turn += 1) {
    for (const [index, operation] of operations.entries()) {
      const numRuns = Math.min(perTurn, left);
      const samples = fc.sample(malformedRequests(operation, known), {
        seed: (seed + turn * operations.length + index) | 0,
        numRuns,
      });
      for (const request of samples) yield { operation, request };
      left -= numRuns;
      if (left === 0) return;
      const messages = operation.path === endlessPath ? [] : malformedMessages(operation);
      const bytes = messages[turn % messages.length];
      if (bytes === undefined) continue;
      yield { operation, bytes };
      left -= 1;
      if (left === 0) return;
    }
  }
}

async function send(agent: Agent, shot: Shot, onFinding: CampaignOptions['onFinding']): Promise<number> {
  const { operation } = shot;
  if ('bytes' in shot) {
    for (const { status, body } of await sendBytes(operation.origin, shot.bytes)) {
      if (status >= 500) onFinding({ kind: `${nameOf(operation)}: ${status}`, request: textOf(shot), answer: body });
    }
    return 0;
  }
  const { request } = shot;
  const { statusCode, body } = await agent.request({ origin: operation.origin, ...request });
  if (operation.path === endlessPath && statusCode === 200) {
    body.on('error', () => undefined).destroy();
    return statusCode;
  }
  const text = await body.text();
  const fault = statusCode < 500 ? null : faultOf(operation, statusCode, text);
  if (fault !== null) onFinding({ kind: `${nameOf(operation)}: ${fault}`, request: textOf(shot), answer: text });
  return statusCode;
}

/** Null where it is not ours. Anthropic's shape of errors has no code: the status stands for it. */
function faultOf(operation: Operation, status: number, text: string): string | null {
  const allowed = faultsAllowedTo(operation);
  const code = /"code":"(\w+)"/.exec(text)?.[1];
  if (code !== undefined) return allowed.some((each) => each === code) ? null : `${status} ${code}`;
  return allowed.some((each) => errorCatalogue[each].status === status) ? null : String(status);
}

function nameOf({ service, method, path }: Operation): string {
  return `${service} ${method} ${path}`;
}

function textOf(shot: Shot): string {
  return 'bytes' in shot ? JSON.stringify(shot.bytes) : JSON.stringify(shot.request);
}
