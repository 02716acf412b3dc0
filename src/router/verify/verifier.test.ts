import { afterEach, expect, it } from 'vitest';
import type { Check } from '../../contracts/race-options.ts';
import { createVerifier, type Verifier } from './verifier.ts';

let verifier: Verifier = createVerifier();
afterEach(async () => {
  await verifier.stop();
  verifier = createVerifier();
});

const number: Check = { type: 'number', max: 42 };

/** A schema that any validator needs 2^depth steps for. */
function explosive(depth: number): Check {
  const definitions: Record<string, unknown> = { [`d${depth}`]: { type: 'string' } };
  for (let level = 0; level < depth; level += 1) {
    const next = { $ref: `#/definitions/d${level + 1}` };
    definitions[`d${level}`] = { anyOf: [next, next] };
  }
  return { type: 'json_schema', schema: { definitions, $ref: '#/definitions/d0' } };
}

it('checks in a thread of its own', async () => {
  expect(await verifier.verify([number], 'so 41')).toBeNull();
  expect(await verifier.verify([number], 'so 43')).toBe('the number is out of range');
  await verifier.accepts([number]);
  await expect(verifier.accepts([number, { type: 'regex', pattern: '(', flags: '' }])).rejects.toMatchObject({
    name: 'UnusableCheck',
    index: 1,
  });
});

it('ends a check that would take for ever, while everybody else goes on, and checks on', async () => {
  let turns = 0;
  const ticking = setInterval(() => (turns += 1), 5);
  const [endless, after] = await Promise.all([
    verifier.verify([explosive(40)], '1'),
    verifier.verify([number], 'so 41'),
  ]);
  clearInterval(ticking);
  expect(endless).toBe('takes too long to be checked');
  expect(after).toBeNull();
  expect(turns).toBeGreaterThan(20);
}, 20_000);

it('answers what waits when it is stopped', async () => {
  const waiting = [verifier.verify([explosive(40)], '1'), verifier.verify([number], '1')];
  await verifier.stop();
  expect(await Promise.all(waiting)).toEqual(['takes too long to be checked', 'takes too long to be checked']);
});
