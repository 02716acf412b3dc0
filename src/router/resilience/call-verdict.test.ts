import { describe, expect, it } from 'vitest';
import type { FailureClass } from '../upstream/failure.ts';
import { verdictOf } from './call-verdict.ts';

const outcomes = { success: '+', failure: '-', fatal: '!', neutral: '.' };
const room = (isAccepted: boolean | null): string => (isAccepted === null ? '.' : isAccepted ? '+' : '-');

describe('verdictOf: provider, key, deployment, throttle', () => {
  it.each<[FailureClass | 'success' | 'cancelled', number | null, string]>([
    ['success', 200, '++++'],
    ['cancelled', null, '....'],
    ['server', 500, '-.-+'],
    ['server', 503, '-.--'],
    ['server', 529, '-.--'],
    ['network', null, '-.-+'],
    ['bad_response', null, '-.-+'],
    ['timeout', null, '-.--'],
    ['rate_limit', 429, '...-'],
    ['auth', 401, '.!..'],
    ['auth', 403, '..!.'],
    ['client', 400, '....'],
    ['not_found', 404, '....'],
    ['unsupported', null, '....'],
  ])('%s %s → %s', (end, status, expected) => {
    const failed = { status, retryAfterSeconds: null };
    const verdict = verdictOf(end === 'success' || end === 'cancelled' ? end : { class: end, ...failed });
    const { provider, key, deployment, isAccepted } = verdict;
    expect([provider, key, deployment].map((outcome) => outcomes[outcome]).join('') + room(isAccepted)).toBe(expected);
  });
});
