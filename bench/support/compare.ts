import { setTimeout as pause } from 'node:timers/promises';
import type { Case } from './cases.ts';
import { type Latencies, saturate, sendAtRate } from './load.ts';
import type { Options } from './options.ts';
import { progress } from './progress.ts';
import type { SignalboxGateway } from './signalbox.ts';
import { median } from './statistics.ts';
import type { Gateway, Peer, Target } from './target.ts';

/** What one gateway did in one case. */
export interface Measured {
  /** Of each round, for one request. */
  cpuMicroseconds: number[];
  /** Of each round, at saturation. */
  perSecond: number[];
  /** At the fixed rate, all rounds together. */
  latencies: Latencies;
}

export interface Comparison {
  case: Case;
  /** Requests a second at which latency was measured, of every target alike. */
  ratePerSecond: number;
  /** Latencies of the upstream without a gateway. */
  direct: Latencies;
  gateways: ReadonlyMap<Peer, Measured>;
  /** The router's own measure, at rest and under load; null where it was not measured. */
  loopDelay: { restMs: number; loadedMs: number } | null;
}

export type Gateways = ReadonlyMap<Peer, Gateway>;

/** Of the slowest gateway's saturation. */
const latencyShare = 0.4;
/** Of the router's own saturation. */
const loopDelayShare = 0.7;
const loopDelayMetric = 'nodejs_eventloop_lag_p99_seconds';

/** All gateways in one case, in turn, in an order that turns round, so that a drifting machine favours none. */
export async function compare(
  subject: Case,
  upstream: Target,
  gateways: Gateways,
  signalbox: SignalboxGateway | null,
  options: Options,
): Promise<Comparison> {
  const title = `${subject.name}, ${subject.bodyKilobytes} KiB`;
  const { body } = subject;
  const load = { body, requests: options.requests, concurrency: options.concurrency };
  const measured = new Map<Peer, Measured>(
    [...gateways.keys()].map((peer) => [peer, { cpuMicroseconds: [], perSecond: [], latencies: noLatencies() }]),
  );

  for (const [peer, gateway] of gateways) {
    progress(`${title}: warming up ${peer}`);
    await saturate(gateway, load);
  }
  for (let round = 1; round <= options.rounds; round += 1) {
    for (const [peer, results] of inTurn(measured, round)) {
      const gateway = gateways.get(peer);
      if (gateway === undefined) continue;
      progress(`${title}: round ${round} of ${options.rounds}, ${peer}`);
      const before = await gateway.process.cpuMicroseconds();
      results.perSecond.push(await saturate(gateway, load));
      results.cpuMicroseconds.push(((await gateway.process.cpuMicroseconds()) - before) / options.requests);
    }
  }

  const saturations = [...measured.values()].map((results) => median(results.perSecond));
  const ratePerSecond = latencyShare * Math.min(...saturations);
  const direct = noLatencies();
  const targets = new Map<Target, Latencies>([[upstream, direct]]);
  for (const [peer, { latencies }] of measured) targets.set(gateways.get(peer) ?? upstream, latencies);
  for (let round = 1; round <= options.rounds; round += 1) {
    for (const [target, latencies] of inTurn(targets, round)) {
      progress(`${title}: round ${round} of ${options.rounds} at ${ratePerSecond.toFixed(0)} requests/s`);
      const latest = await sendAtRate(target, { body, perSecond: ratePerSecond, seconds: options.seconds });
      latencies.firstTokenMs.push(...latest.firstTokenMs);
      latencies.wholeMs.push(...latest.wholeMs);
    }
  }
  const routerPerSecond = median(measured.get('signalbox')?.perSecond ?? []);
  const loopDelay = signalbox === null ? null : await measureLoopDelay(signalbox, body, routerPerSecond, options);
  return { case: subject, ratePerSecond, direct, gateways: measured, loopDelay };
}

/** The delay is that since it was last asked for: asking begins a measurement. */
async function measureLoopDelay(router: SignalboxGateway, body: string, perSecond: number, options: Options) {
  progress('delay of the event loop');
  const seconds = options.seconds * options.rounds;
  await router.metric(loopDelayMetric);
  await pause(Math.min(seconds, 2) * 1000);
  const restMs = (await router.metric(loopDelayMetric)) * 1000;
  await sendAtRate(router, { body, perSecond: loopDelayShare * perSecond, seconds });
  const loadedMs = (await router.metric(loopDelayMetric)) * 1000;
  return { restMs, loadedMs };
}

function inTurn<K, V>(map: ReadonlyMap<K, V>, round: number): Array<[K, V]> {
  return round % 2 === 0 ? [...map].toReversed() : [...map];
}

function noLatencies(): Latencies {
  return { firstTokenMs: [], wholeMs: [] };
}
