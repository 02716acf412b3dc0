import { pino } from 'pino';
import { expect, it, vi } from 'vitest';
import { createLoop } from './loop.ts';

it('warns once of rounds that fail in a row, and tells when they succeed again', async () => {
  const lines: Array<Record<string, unknown>> = [];
  const write = (line: string): void => void lines.push(JSON.parse(line) as Record<string, unknown>);
  const log = pino({ level: 'info' }, { write });
  // Two outages of several rounds each, and a round that succeeds after each.
  const fails = [false, true, true, true, true, false, true, true, false, false];
  let rounds = 0;
  const loop = createLoop({
    name: 'test',
    intervalMs: 1,
    maxBackoffMs: 1,
    log,
    async runOnce() {
      await Promise.resolve();
      rounds += 1;
      if (fails[rounds - 1] === true) throw new Error('away');
    },
  });
  await loop.start();
  await vi.waitFor(() => expect(rounds).toBeGreaterThan(fails.length));
  await loop.stop();
  expect(lines.map(({ level, msg, failed_rounds }) => [level, msg, failed_rounds])).toEqual([
    [40, 'round failed', undefined],
    [30, 'rounds succeed again', 4],
    [40, 'round failed', undefined],
    [30, 'rounds succeed again', 2],
  ]);
});
