import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { type CallOutcome, type Circuit, type CircuitOptions, createCircuit, probeTimeoutMs } from './circuit.ts';

const options: CircuitOptions = {
  consecutiveFailures: 5,
  windowMs: 30_000,
  minRequests: 20,
  failureRate: 0.5,
  baseEjectionMs: 5000,
  maxEjectionMs: 300_000,
};

let circuit: Circuit;
beforeEach(() => (circuit = createCircuit(() => options)));

/** A call that takes a millisecond and ends at `nowMs`. */
const ends = (outcome: CallOutcome, nowMs: number): void => {
  circuit.begin(nowMs - 1);
  circuit.record(outcome, nowMs - 1, nowMs);
};
const endsTimes = (times: number, outcome: CallOutcome, nowMs: number): void => {
  for (let call = 0; call < times; call += 1) ends(outcome, nowMs);
};

describe('what ejects', () => {
  const good = 'success' as const;
  const bad = 'failure' as const;
  const times = (count: number, ...outcomes: CallOutcome[]): CallOutcome[] =>
    Array.from({ length: count }, () => outcomes).flat();

  it.each<[string, CallOutcome[], 'closed' | 'ejected']>([
    ['nothing yet', [], 'closed'],
    ['four failures in a row', times(4, bad), 'closed'],
    ['five failures in a row', times(5, bad), 'ejected'],
    ['failures that a success interrupts', [...times(4, bad), good, ...times(4, bad)], 'closed'],
    ['failures between which wrong requests come', times(5, bad, 'neutral'), 'ejected'],
    ['wrong requests only', times(50, 'neutral'), 'closed'],
    ['half of 18', times(9, good, bad), 'closed'],
    ['half of 20', times(10, good, bad), 'ejected'],
    ['a third of 30', times(10, good, good, bad), 'closed'],
    ['one refused key', ['fatal'], 'ejected'],
  ])('%s: %s → %s', (_name, outcomes, expected) => {
    for (const outcome of outcomes) ends(outcome, 1000);
    expect(circuit.check(1000)).toBe(expected);
  });

  it('counts only the window towards the rate', () => {
    for (let call = 0; call < 10; call += 1) endsTimes(1, call % 2 === 0 ? bad : good, 1000);
    for (let call = 0; call < 10; call += 1) endsTimes(1, call % 2 === 0 ? bad : good, 40_000);
    expect(circuit.check(40_000)).toBe('closed');
  });
});

describe('what was seen before an ejection', () => {
  const mixed = (calls: number, failureEvery: number, nowMs: number): void => {
    for (let call = 1; call <= calls; call += 1) ends(call % failureEvery === 0 ? 'failure' : 'success', nowMs);
  };

  it('does not count against the target after it', () => {
    mixed(20, 2, 1000);
    expect(circuit.check(1000)).toBe('ejected');
    mixed(24, 3, 6001);
    expect(circuit.check(6001)).toBe('closed');
  });

  it('does not speak for it either', () => {
    endsTimes(100, 'success', 1000);
    ends('fatal', 1000);
    mixed(20, 2, 6001);
    expect(circuit.check(6001)).toBe('ejected');
  });
});

describe('an ejection', () => {
  beforeEach(() => endsTimes(5, 'failure', 1000));

  it('ends with exactly one probe, whose success closes', () => {
    expect(circuit.state(1000)).toEqual({ status: 'ejected', untilMs: 6000, ejections: 1 });
    expect(circuit.check(5999)).toBe('ejected');
    expect(circuit.check(6000)).toBe('probe');
    circuit.begin(6000);
    expect(circuit.check(6001)).toBe('ejected');
    expect(circuit.state(6001)).toEqual({ status: 'half_open', untilMs: null, ejections: 1 });
    circuit.record('success', 6000, 6500);
    expect(circuit.check(6500)).toBe('closed');
    endsTimes(4, 'failure', 6600);
    expect(circuit.check(6600)).toBe('closed');
  });

  it('lasts longer each time the probe fails, up to the limit', () => {
    let nowMs = 6000;
    for (let ejection = 2; ejection <= 70; ejection += 1) {
      ends('failure', nowMs + 1);
      const untilMs = nowMs + 1 + Math.min(5000 * ejection, 300_000);
      expect(circuit.state(nowMs + 1)).toMatchObject({ untilMs, ejections: Math.min(ejection, 60) });
      expect(circuit.check(untilMs)).toBe('probe');
      nowMs = untilMs;
    }
  });

  it('is forgiven with time', () => {
    ends('failure', 6001);
    ends('failure', 16_002);
    ends('success', 31_003);
    expect(circuit.state(31_003)).toMatchObject({ status: 'closed', ejections: 3 });
    expect(circuit.state(61_003)).toMatchObject({ ejections: 2 });
    endsTimes(5, 'failure', 92_000);
    expect(circuit.state(92_000)).toMatchObject({ untilMs: 102_000, ejections: 2 });
    ends('success', 102_001);
    expect(circuit.state(1_000_000)).toMatchObject({ ejections: 0 });
  });

  it('hands a probe that says nothing to the next call', () => {
    circuit.begin(6000);
    circuit.record('neutral', 6000, 6100);
    expect(circuit.check(6100)).toBe('probe');
  });

  it('does not wait for ever for a probe that never ends', () => {
    circuit.begin(6000);
    expect(circuit.check(6000 + probeTimeoutMs - 1)).toBe('ejected');
    expect(circuit.check(6000 + probeTimeoutMs)).toBe('probe');
  });

  it('is not touched by calls that began before it', () => {
    for (let call = 0; call < 100; call += 1) circuit.record('failure', 900, 7000);
    circuit.record('success', 900, 7000);
    expect(circuit.state(7000)).toEqual({ status: 'half_open', untilMs: null, ejections: 1 });
    ends('success', 8000);
    for (let call = 0; call < 100; call += 1) circuit.record('failure', 900, 9000);
    expect(circuit.check(9000)).toBe('closed');
  });

  it('is ended, but not made longer, by calls that are made in spite of it', () => {
    endsTimes(50, 'failure', 2000);
    expect(circuit.state(2000)).toMatchObject({ untilMs: 6000, ejections: 1 });
    ends('success', 3000);
    expect(circuit.check(3000)).toBe('closed');
  });
});

describe('a pause', () => {
  it('holds until the provider said, and no probe follows', () => {
    circuit.pause(7000, 1000);
    circuit.pause(2000, 1000);
    expect(circuit.state(1000)).toEqual({ status: 'ejected', untilMs: 8000, ejections: 0 });
    expect(circuit.check(7999)).toBe('ejected');
    expect(circuit.check(8000)).toBe('closed');
  });

  it('outlasts a shorter ejection and is outlasted by a longer one', () => {
    endsTimes(5, 'failure', 1000);
    circuit.pause(1000, 1000);
    expect(circuit.state(1000)).toMatchObject({ untilMs: 6000 });
    circuit.pause(60_000, 1000);
    expect(circuit.state(1000)).toMatchObject({ untilMs: 61_000 });
    ends('success', 7000);
    expect(circuit.check(7000)).toBe('ejected');
  });

  it('never lasts longer than an hour', () => {
    circuit.pause(1e12, 0);
    expect(circuit.check(3_600_000)).toBe('closed');
  });
});

describe('whatever happens', () => {
  const event = fc.record({
    afterMs: fc.integer({ min: 1, max: 20_000 }),
    kind: fc.constantFrom('success', 'failure', 'failure', 'fatal', 'neutral', 'lost', 'pause'),
  });

  it('lets through one probe at a time, sets no deadline earlier but by a success, and recovers', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 150 }), (events) => {
        circuit = createCircuit(() => options);
        const afterProbes: string[] = [];
        let nowMs = 0;
        for (const { afterMs, kind } of events) {
          nowMs += afterMs;
          const before = circuit.state(nowMs).untilMs ?? 0;
          if (kind === 'pause') {
            circuit.pause(afterMs, nowMs);
          } else if (circuit.check(nowMs) !== 'ejected') {
            const isProbe = circuit.check(nowMs) === 'probe';
            circuit.begin(nowMs);
            afterProbes.push(isProbe ? circuit.check(nowMs) : 'ejected');
            nowMs += 1;
            if (kind !== 'lost') circuit.record(kind, nowMs - 1, nowMs);
          }
          expect(kind === 'success' || (circuit.state(nowMs).untilMs ?? nowMs) >= before).toBe(true);
        }
        expect(afterProbes.every((check) => check === 'ejected')).toBe(true);
        nowMs += 3_600_000 + probeTimeoutMs;
        expect(circuit.check(nowMs)).not.toBe('ejected');
        ends('success', nowMs + 1);
        expect(circuit.check(nowMs + 1)).toBe('closed');
      }),
    );
  });
});
