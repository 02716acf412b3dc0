import pc from 'picocolors';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RaceCandidate, RaceResponse } from '../contracts/race-api.ts';
import { liveProgress } from './race-progress.ts';

const colors = pc.createColors(false);

const escape = String.fromCharCode(27);
const sequences = new RegExp(`${escape}\\[(?:(\\d+)A|\\?(25l|25h|7l|7h)|(2K|J))|\n|\r|[^${escape}\n\r]+`, 'g');

/** Understands what the lanes are drawn with: up, erase, new line. */
function startScreen(rows = 24) {
  let lines: string[] = [];
  let row = 0;
  const screen = {
    rows,
    columns: 80,
    hasCursor: true,
    writes: 0,
    write(text: string): boolean {
      screen.writes += 1;
      for (const [part, up, mode, erase] of text.matchAll(sequences)) {
        if (up !== undefined) row -= Number(up);
        else if (mode?.startsWith('25')) screen.hasCursor = mode === '25h';
        else if (erase === '2K') lines[row] = '';
        else if (erase === 'J') lines = lines.slice(0, row);
        else if (part === '\n') row += 1;
        else if (part !== '\r' && mode === undefined) lines[row] = part;
      }
      return true;
    },
    lines: () => lines,
  };
  return screen;
}

function lane(index: number, status: RaceCandidate['status'], more: Partial<RaceCandidate> = {}): RaceCandidate {
  return {
    lane: index,
    decision_id: '01a1ffb1-1cf3-76f2-9af4-00db0503cac2',
    model: `m${index}`,
    provider: 'raw',
    status,
    latency_ms: null,
    cost_usd: null,
    confidence: null,
    output: null,
    reason: null,
    ...more,
  };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('lanes on a terminal', () => {
  it('move in place, ten times a second, until the race is decided', () => {
    const screen = startScreen();
    const progress = liveProgress(screen, { colors, sharesTerminal: true });
    progress.begin({ lanes: [lane(0, 'waiting'), lane(1, 'waiting')], timeout_ms: 60_000 });
    progress.lane(lane(0, 'running'));
    progress.lane(lane(1, 'running'));
    vi.advanceTimersByTime(1000);
    expect(screen.writes).toBe(10);
    expect(screen.hasCursor).toBe(false);
    expect(screen.lines()).toEqual([
      expect.stringMatching(/^. m0  raw  running     1\.0 s$/),
      expect.stringMatching(/^. m1  raw  running     1\.0 s$/),
      '1.0 s of 1 min',
    ]);
    progress.lane(lane(0, 'lost', { latency_ms: 1000, output: '42' }));
    vi.advanceTimersByTime(100);
    expect(screen.lines()[0]).toMatch(/answered/);
    const candidates = [lane(0, 'won', { latency_ms: 1000, output: '42' }), lane(1, 'cancelled', { reason: 'late' })];
    progress.finish({ candidates } as RaceResponse);
    const last = [expect.stringMatching(/^✓ m0 .*won .*42$/), expect.stringMatching(/^· m1 .*cancelled .*late$/)];
    expect(screen.lines()).toEqual(last);
    expect(screen.hasCursor).toBe(true);
    progress.close();
    vi.advanceTimersByTime(1000);
    expect(screen.lines()).toEqual(last);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('come to rest where the answer begins on the same terminal, and go on where it does not', () => {
    for (const sharesTerminal of [true, false]) {
      const screen = startScreen();
      const progress = liveProgress(screen, { colors, sharesTerminal });
      progress.begin({ lanes: [lane(0, 'running'), lane(1, 'running')], timeout_ms: 60_000 });
      vi.advanceTimersByTime(200);
      progress.lane(lane(1, 'lost', { latency_ms: 200 }));
      progress.answering();
      vi.advanceTimersByTime(100);
      expect(screen.hasCursor).toBe(sharesTerminal);
      expect(screen.lines().slice(0, 2)).toEqual([
        expect.stringMatching(/m0 .*cancelled +200 ms +the race was decided$/),
        expect.stringMatching(/✓ m1 .*won +200 ms$/),
      ]);
      expect(screen.lines().slice(2)).toEqual(sharesTerminal ? [] : ['0.3 s of 1 min, answering']);
      progress.close();
    }
  });

  it('stand still, with the cursor back, when the race is broken off', () => {
    const screen = startScreen();
    const progress = liveProgress(screen, { colors, sharesTerminal: true });
    progress.begin({ lanes: [lane(0, 'running')], timeout_ms: 60_000 });
    vi.advanceTimersByTime(300);
    progress.close();
    expect(screen.lines()).toEqual([expect.stringMatching(/^· m0 .*cancelled +300 ms +stopped$/)]);
    expect(screen.hasCursor).toBe(true);
    expect(process.listenerCount('exit')).toBe(listeners);
  });

  it('are no more than the terminal has rows', () => {
    const screen = startScreen(4);
    const progress = liveProgress(screen, { colors, sharesTerminal: true });
    progress.begin({ lanes: Array.from({ length: 9 }, (_, index) => lane(index, 'running')), timeout_ms: 60_000 });
    vi.advanceTimersByTime(500);
    expect(screen.lines()).toHaveLength(3);
    progress.close();
  });

  it('are not drawn where no race began', () => {
    const screen = startScreen();
    liveProgress(screen, { colors, sharesTerminal: true }).close();
    expect(screen.writes).toBe(0);
  });
});

const listeners = process.listenerCount('exit');
