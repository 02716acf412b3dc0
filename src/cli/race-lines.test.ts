import pc from 'picocolors';
import { describe, expect, it } from 'vitest';
import type { RaceCandidate, RaceResponse } from '../contracts/race-api.ts';
import {
  clockLine,
  differentAnswers,
  failureOf,
  laneLines,
  laneSentence,
  type LaneLook,
  summaryRows,
} from './race-lines.ts';

const plain = pc.createColors(false);
const id = '01a1ffb1-1cf3-76f2-9af4-00db0503cac2';

function candidate(lane: number, more: Partial<RaceCandidate> = {}): RaceCandidate {
  return {
    lane,
    decision_id: id,
    model: ['gpt-6-sol', 'claude-haiku-4-5', 'gemini-3'][lane] ?? `model-${lane}`,
    provider: ['openai', 'anthropic', 'google'][lane] ?? 'raw',
    status: 'waiting',
    latency_ms: null,
    cost_usd: null,
    confidence: null,
    output: null,
    reason: null,
    ...more,
  };
}

function lines(lanes: readonly RaceCandidate[], more: Partial<LaneLook> = {}, runningMs = 1234): string[] {
  return laneLines(
    lanes.map((one) => ({ candidate: one, runningMs: one.status === 'running' ? runningMs : null })),
    { width: 100, colors: plain, frame: 0, isDecided: false, ...more },
  );
}

const ended: RaceCandidate[] = [
  candidate(0, { status: 'lost', latency_ms: 843.2, cost_usd: 0.00012, confidence: 0.914, output: 'It is\n 42.' }),
  candidate(1, { status: 'error', latency_ms: 12_345, reason: 'rate_limited' }),
  candidate(2, { status: 'invalid', latency_ms: 99, cost_usd: 0, confidence: 0, reason: 'no number in it' }),
];

describe('the lines of the lanes', () => {
  it('are aligned, and say how each lane stands', () => {
    expect(lines([candidate(0, { status: 'running' }), candidate(1, { status: 'running' }), candidate(2)])).toEqual([
      '⠋ gpt-6-sol         openai     running     1.2 s',
      '⠋ claude-haiku-4-5  anthropic  running     1.2 s',
      '· gemini-3          google     waiting            asked only if the others do not agree',
    ]);
    expect(lines(ended, { isDecided: true })).toEqual([
      '• gpt-6-sol         openai     lost       843 ms  $0.00012  91%  It is 42.',
      '✗ claude-haiku-4-5  anthropic  error      12.3 s                 rate_limited',
      '✗ gemini-3          google     invalid     99 ms        $0   0%  no number in it',
    ]);
  });

  it('do not call an answer lost before the race is decided', () => {
    expect(lines(ended)[0]).toContain('answered');
    expect(lines(ended, { isDecided: true })[0]).not.toContain('answered');
    expect(laneSentence(candidate(0, { status: 'lost', latency_ms: 5 }), false)).toMatch(/: answered, 5 ms$/);
  });

  it('say nothing of waiting before any lane was started', () => {
    expect(lines([candidate(0), candidate(1)])[0]).not.toContain('agree');
  });

  it.each([1, 2, 8, 20, 33, 50, 79, 80, 81, 120])('are never longer than %d columns', (width) => {
    const more = [
      ...ended,
      candidate(3, {
        model: 'a-very-long-name-of-a-model-that-nobody-can-remember',
        status: 'won',
        output: 'x'.repeat(300),
      }),
      candidate(4, { model: '通义千问', status: 'lost', output: '答え'.repeat(100) }),
    ];
    for (const line of lines(more, { width })) {
      const columns = [...new Intl.Segmenter().segment(line)].reduce(
        (sum, { segment }) => sum + (/[\u3000-\u9FFF]/.test(segment) ? 2 : 1),
        0,
      );
      expect(columns).toBeLessThanOrEqual(width);
    }
  });

  it('keep the name and the status where there is little room', () => {
    expect(lines(ended, { width: 36 })).toEqual([
      '• gpt-6-sol     answered   843 ms',
      '✗ claude-haik…  error      12.3 s',
      '✗ gemini-3      invalid     99 ms',
    ]);
  });

  it('turn a mark while a lane runs, and have colours where they are wanted', () => {
    const running = [candidate(0, { status: 'running' })];
    expect(lines(running, { frame: 1 })).not.toEqual(lines(running, { frame: 2 }));
    const colors = pc.createColors(true);
    expect(lines(ended, { colors })[1]).toContain(colors.red('✗'));
    expect(lines([candidate(0, { status: 'won' })], { colors })[0]).toContain(colors.green('✓'));
  });

  it('hold nothing that commands a terminal', () => {
    const nasty = candidate(0, { status: 'lost', output: 'a\u001B[2Jb\rc\u0007\u009Bd' });
    expect(lines([nasty])[0]).toMatch(/a\[2Jb cd$/);
  });

  it('tell what the race waits for', () => {
    const clock = (lanes: RaceCandidate[], isDecided = false): string =>
      clockLine(
        lanes.map((one) => ({ candidate: one, runningMs: null })),
        { width: 80, colors: plain, frame: 0, isDecided, elapsedMs: 3210, timeoutMs: 60_000 },
      );
    expect(clock([candidate(0, { status: 'running' })])).toBe('3.2 s of 1 min');
    expect(clock(ended)).toBe('3.2 s of 1 min, deciding');
    expect(clock(ended, true)).toBe('3.2 s of 1 min, answering');
  });
});

describe('what is said of the whole race', () => {
  const response: RaceResponse = {
    race_id: id,
    strategy: 'consensus',
    outcome: 'decided',
    reason: '2 of 3 valid answers agree',
    selected: candidate(0, { status: 'won' }),
    candidates: ended,
    agreement_score: 0.6667,
    margin: 1.234,
    cost_usd: 0.000123,
    duration_ms: 125_000,
    answer: null,
  };

  it('is its winner, why, how sure, what it cost and how long it took', () => {
    expect(summaryRows(response)).toEqual([
      ['winner', 'gpt-6-sol at openai'],
      ['decided by', 'consensus: 2 of 3 valid answers agree'],
      ['agreement', '67%, margin 1.23'],
      ['cost', '$0.000123'],
      ['duration', '2 min 5 s'],
      ['race', id],
    ]);
  });

  it('names the cost of each lane where lanes are shown before it is known', () => {
    const first: RaceResponse = { ...response, strategy: 'first', cost_usd: 1.5 };
    expect(Object.fromEntries(summaryRows(first))['cost']).toBe(
      '$1.50 (gpt-6-sol $0.00012, claude-haiku-4-5 unknown, gemini-3 $0)',
    );
  });

  it('is why nobody won', () => {
    expect(failureOf({ ...response, outcome: 'no_consensus', reason: 'no_consensus: tie' })).toBe('no consensus: tie');
    expect(failureOf({ ...response, outcome: 'no_answer', reason: 'no lane answered' })).toBe(
      'no answer: no lane answered',
    );
  });

  it('holds each different answer once', () => {
    const answers = ['41', '42', ' 41\n', null].map((output, lane) => candidate(lane, { output }));
    expect(differentAnswers(answers)).toEqual([
      { models: ['gpt-6-sol', 'gemini-3'], text: '41' },
      { models: ['claude-haiku-4-5'], text: '42' },
    ]);
  });
});
