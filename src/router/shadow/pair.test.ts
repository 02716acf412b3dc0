import { describe, expect, it } from 'vitest';
import { type AttemptOutcome } from '../publish/events.ts';
import { measuresOf, sideEnd, type SideEnd } from './pair.ts';

const answered: AttemptOutcome = {
  index: 0,
  isHedge: false,
  step: { modelId: 'm', providerName: 'acme', entry: null, complexityScore: 1 },
  outcome: 'success',
  responseTimeMs: 900,
  timeToFirstTokenMs: 100,
  streamed: true,
  httpStatus: 200,
  errorCode: null,
  usage: null,
  usageEstimated: false,
  costUsd: 0.01,
  responseModel: null,
};
const failed = (errorCode: string, httpStatus: number | null = null): AttemptOutcome => ({
  ...answered,
  outcome: 'failure',
  errorCode,
  httpStatus,
});
const filtered: AttemptOutcome = { ...answered, errorCode: 'content_filter' };

describe('a side of a pair', () => {
  it.each<[what: string, attempt: AttemptOutcome | null, end: SideEnd | null]>([
    ['answered', answered, 'answered'],
    ['failed', failed('server', 500), 'failed'],
    ['took too long', { ...failed('timeout'), outcome: 'timeout' }, 'failed'],
    ['refused the request', failed('client', 400), 'failed'],
    ['cannot be asked for it', failed('unsupported', 400), 'failed'],
    ['is not there', failed('not_found', 404), 'failed'],
    ['is not allowed', failed('auth', 403), 'failed'],
    ['was ended by a content filter', filtered, 'failed'],
    ['had no room', failed('rate_limit', 429), null],
    ['had a key that does not work', failed('auth', 401), null],
    ['was left', { ...answered, outcome: 'cancelled' }, null],
    ['was not asked', null, null],
  ])('that %s', (_, attempt, end) => {
    expect(sideEnd(attempt)).toBe(end);
  });

  it('has a time where it answered: to the first token beside a stream, else of all of it', () => {
    const whole: AttemptOutcome = { ...answered, streamed: false, timeToFirstTokenMs: null, responseTimeMs: 800 };
    expect(measuresOf(answered, answered)).toMatchObject({ streamed: true, control_ms: 100, shadow_ms: 100 });
    expect(measuresOf(whole, answered)).toMatchObject({ streamed: false, control_ms: 800, shadow_ms: 900 });
    expect(measuresOf(answered, filtered)).toMatchObject({ control_ms: 100, shadow_ms: null });
    expect(measuresOf(failed('client'), answered)).toMatchObject({ control_ms: null, shadow_ms: 100 });
  });
});
