import type { Case } from './cases.ts';
import { saturate } from './load.ts';
import { residentKiB } from './proc.ts';
import type { Memory } from './process.ts';
import { progress } from './progress.ts';
import { slope } from './statistics.ts';
import type { Gateway } from './target.ts';

export interface Soak {
  case: string;
  requests: number;
  before: Memory;
  after: Memory;
  /** Resident memory along the way. */
  points: Array<readonly [requests: number, residentKiB: number]>;
  /** Over the second half: what comes before is warming up. */
  slopeKiBPerThousand: number;
}

const steps = 20;

export interface SoakLoad {
  requests: number;
  concurrency: number;
}

/** Sends many requests and watches the memory of the process that answers. */
export async function soak(
  gateway: Gateway,
  subject: Case,
  { requests, concurrency }: SoakLoad,
  onStep: (line: string) => void,
): Promise<Soak> {
  const { pid } = gateway.process;
  const before = await gateway.process.memory();
  const points: Array<readonly [number, number]> = [];
  for (let step = 1; step <= steps; step += 1) {
    const done = Math.round((requests * step) / steps);
    progress(`soak: to ${done} requests`);
    const perSecond = await saturate(gateway, {
      body: subject.body,
      requests: done - (points.at(-1)?.[0] ?? 0),
      concurrency,
    });
    points.push([done, residentKiB(pid)]);
    const resident = (residentKiB(pid) / 1024).toFixed(1);
    onStep(`${done} requests: ${resident} MiB resident, ${perSecond.toFixed(0)} requests/s`);
  }
  return {
    case: `${subject.name}, ${subject.bodyKilobytes} KiB`,
    requests,
    before,
    after: await gateway.process.memory(),
    points,
    slopeKiBPerThousand: slope(points.slice(steps / 2)) * 1000,
  };
}
