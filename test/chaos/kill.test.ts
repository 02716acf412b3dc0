import { afterAll, beforeAll, expect, it } from 'vitest';
import { sleep } from '../../src/platform/core/clock.ts';
import { createRandom } from '../../src/statistics/random.ts';
import type { SignalboxProcess } from '../support/app.ts';
import type { Child } from '../support/child-process.ts';
import { type Fleet, startFleet } from './fleet.ts';

/** `SIGNALBOX_CHAOS_ROUNDS=100` for the long run; `SIGNALBOX_CHAOS_SEED` for the moments of another one. */
const rounds = Number(process.env['SIGNALBOX_CHAOS_ROUNDS'] ?? 5);
const random = createRandom(process.env['SIGNALBOX_CHAOS_SEED'] ?? 'chaos');
const publishMs = 700;

let fleet: Fleet;
let centrals: SignalboxProcess[];
beforeAll(async () => {
  fleet = await startFleet();
  centrals = await Promise.all([fleet.startCentral('central-0'), fleet.startCentral('central-1')]);
});
afterAll(() => fleet.stop());

const victims: Record<string, (publisher: Child) => Promise<void>> = {
  async consumer() {
    const index = random.int(centrals.length);
    centrals[index]?.kill('SIGKILL');
    await centrals[index]?.waitForExit();
    centrals[index] = await fleet.startCentral(`central-${index}`);
  },
  async producer(publisher) {
    publisher.kill('SIGKILL');
    await publisher.waitForExit();
  },
  /** The connections of the consumers, as an administrator or a failover ends them. */
  async connections() {
    await fleet.pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'signalbox central-%'`,
    );
  },
  /** One of the server's own processes: it then restarts them all. */
  async backend() {
    const { rows } = await fleet.pool.query<{ pid: number }>(
      `select pid from pg_stat_activity
       where application_name like 'signalbox central-%' or application_name like 'router-%'
       order by state = 'active' desc`,
    );
    process.kill(
      rows[random.int(Math.min(3, Math.max(1, rows.length)))]?.pid ?? (await fleet.postmasterPid()),
      'SIGKILL',
    );
  },
  async server() {
    process.kill(await fleet.postmasterPid(), 'SIGKILL');
  },
};

it(`counts each event once, whoever is killed (${rounds} rounds)`, { timeout: 60_000 + rounds * 30_000 }, async () => {
  const names = Object.keys(victims);
  const killed: Record<string, number> = {};
  let counted = { events: 0, copies: 0 };
  for (let round = 0; round < rounds; round += 1) {
    const name = names[round % names.length] ?? '';
    // An instance that comes back finds what its forerunner has left.
    const instanceId = `router-${round % 3}`;
    const publisher = await fleet.startPublisher({ instanceId, decisions: 700, overMs: publishMs, seed: `${round}` });
    await sleep(random.next() * (publishMs + 400));
    await victims[name]?.(publisher);
    killed[name] = (killed[name] ?? 0) + 1;
    await publisher.waitForExit();
    const before = counted.events;
    counted = await fleet.expectAllCounted();
    expect(counted.events).toBeGreaterThanOrEqual(before);
  }
  expect(counted.events).toBeGreaterThan(rounds * 100);
  if (rounds > names.length) process.stdout.write(`${JSON.stringify({ rounds, killed, ...counted })}\n`);
});

it('counts each event once beside a consumer that stalls longer than its messages are hidden', async () => {
  const publisher = await fleet.startPublisher({
    instanceId: 'router-stall',
    decisions: 1500,
    overMs: 2000,
    seed: 'stall',
  });
  await sleep(300 + random.next() * 300);
  // `visibility_s` is 1.
  centrals[0]?.kill('SIGSTOP');
  await publisher.waitForExit();
  await sleep(500);
  centrals[0]?.kill('SIGCONT');
  const { events } = await fleet.expectAllCounted();
  expect(events).toBeGreaterThan(2000);
});
