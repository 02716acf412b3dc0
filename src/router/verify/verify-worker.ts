/** Checks answers apart from the router, so that it can be ended when a check takes too long. */
import { parentPort } from 'node:worker_threads';
import { createChecks, UnusableCheck } from './checks.ts';
import type { VerifyAnswer, VerifyRequest } from './verifier.ts';

parentPort?.on('message', ({ id, checks, text }: VerifyRequest) => {
  parentPort?.postMessage({ id, ...answerTo({ checks, text }) } satisfies VerifyAnswer);
});

function answerTo({ checks, text }: Pick<VerifyRequest, 'checks' | 'text'>): Omit<VerifyAnswer, 'id'> {
  try {
    const check = createChecks(checks);
    return { problem: text === null ? null : check(text), unusable: null };
  } catch (error) {
    if (!(error instanceof UnusableCheck)) return { problem: 'could not be checked', unusable: null };
    return { problem: null, unusable: { index: error.index, message: error.message } };
  }
}

parentPort?.postMessage('ready');
