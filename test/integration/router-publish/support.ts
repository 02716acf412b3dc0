import { execFileSync } from 'node:child_process';
import { rename } from 'node:fs/promises';
import type { Outcome, RoutingEvent } from '../../../src/contracts/event.ts';
import { encodeEvent, type EncodedEvent } from '../../../src/router/publish/encoded-event.ts';
import type { Metrics } from '../../../src/platform/telemetry/metrics.ts';

/** The events of an instance are numbered, so that a test sees which are missing and in what order they came. */
export function numberedEvent(instanceId: string, number: number, outcome: Outcome = 'success'): RoutingEvent {
  return {
    timestamp: '2026-01-01T00:00:00.000Z',
    instance_id: instanceId,
    event_id: `00000000-0000-7000-8000-${String(number).padStart(12, '0')}`,
    routing_decision: {
      complexity: 'simple',
      selected_model: 'm',
      selected_provider: 'p',
      complexity_score: 1,
      outcome,
    },
  };
}

export function numberOf(event: Pick<RoutingEvent, 'event_id'>): number {
  return Number(event.event_id?.slice(-12));
}

export function encodedEvents(first: number, last: number, outcome: Outcome = 'success'): EncodedEvent[] {
  return oneTo(last - first + 1).map((number) => encodeEvent(numberedEvent('i', number + first - 1, outcome)));
}

export function numberOfEncoded({ eventId }: EncodedEvent): number {
  return Number(eventId?.slice(-12));
}

export function oneTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

/** Value of a metric, summed over its labels or of one outcome alone. */
export async function valueOf(metrics: Metrics, name: string, outcome?: Outcome): Promise<number> {
  const { values } = (await metrics.registry.getSingleMetric(name)?.get()) ?? { values: [] };
  return values
    .filter(({ labels }) => outcome === undefined || labels['outcome'] === outcome)
    .reduce((sum, { value }) => sum + value, 0);
}

/** A folder as a process that died would have left it. */
export async function killHolder(folder: string, pid = 2 ** 22 + 1): Promise<void> {
  await rename(folder, folder.replace(/-\d+-\d*(-[0-9a-f]+)$/, `-${pid}-1$1`));
}

/** Runs a program of the system. */
export function asRoot(program: string, ...args: string[]): void {
  execFileSync(program, args, { stdio: 'ignore' });
}

export function canMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  try {
    asRoot('unshare', '--mount', 'true');
    return true;
  } catch {
    return false;
  }
}
