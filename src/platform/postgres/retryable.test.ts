import { DatabaseError } from 'pg';
import { describe, expect, it } from 'vitest';
import { isRetryable, isUnavailable } from './retryable.ts';

function databaseError(code: string): DatabaseError {
  const error = new DatabaseError('said by the server', 0, 'error');
  error.code = code;
  return error;
}

describe('which errors are worth a retry', () => {
  it.each([
    { name: 'shutdown', error: databaseError('57P01'), unavailable: true, retryable: true },
    { name: 'starting up', error: databaseError('57P03'), unavailable: true, retryable: true },
    { name: 'deadlock', error: databaseError('40P01'), unavailable: false, retryable: true },
    { name: 'serialization failure', error: databaseError('40001'), unavailable: false, retryable: true },
    { name: 'unique violation', error: databaseError('23505'), unavailable: false, retryable: false },
    { name: 'wrong password', error: databaseError('28P01'), unavailable: false, retryable: false },
    {
      name: 'refused connection',
      error: Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }),
      unavailable: true,
      retryable: true,
    },
    {
      name: 'connection cut',
      error: new Error('Connection terminated unexpectedly'),
      unavailable: true,
      retryable: true,
    },
    {
      name: 'a wrapped one',
      error: new Error('could not save', { cause: databaseError('40P01') }),
      unavailable: false,
      retryable: true,
    },
    { name: 'a mistake in the program', error: new TypeError('x is undefined'), unavailable: false, retryable: false },
    { name: 'a name of Object.prototype', error: databaseError('constructor'), unavailable: false, retryable: false },
    { name: 'no error at all', error: 'ECONNREFUSED', unavailable: false, retryable: false },
  ])('$name', ({ error, unavailable, retryable }) => {
    expect(isUnavailable(error)).toBe(unavailable);
    expect(isRetryable(error)).toBe(retryable);
  });
});
