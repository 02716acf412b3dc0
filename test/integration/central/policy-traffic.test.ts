import { afterAll, beforeAll, expect, it } from 'vitest';
import { policyEvaluationSchema } from '../../../src/contracts/policy-evaluation.ts';
import { startTestApp, type TestApp } from '../../support/app.ts';

const requests = 200;
const routing = { exploration: { enabled: true, floor: 0.3, max_share: 1, max_extra_cost: 1000 } };

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({ config: { routing } });
});
afterAll(() => app?.stop());

it('judges what the router itself has logged', async () => {
  for (let sent = 0; sent < requests; sent += 20) {
    const batch = Array.from({ length: 20 }, (_, index) =>
      app.client.chat.completions.create({
        model: 'auto',
        messages: [{ role: 'user', content: `What is ${sent + index} plus one?` }],
      }),
    );
    await Promise.all(batch);
  }
  const since = new Date(Date.now() - 3_600_000).toISOString();
  const evaluate = async (policy: object): Promise<unknown> => {
    const response = await fetch(`${app.url('central')}/policy/evaluate`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ policy, since }),
    });
    return response.json();
  };
  await expect.poll(() => evaluate(routing), { timeout: 10_000 }).toMatchObject({ decisions: { used: requests } });

  const same = policyEvaluationSchema.parse(await evaluate(routing));
  expect(same).toMatchObject({
    decisions: { used: requests, read: requests, left_out: {} },
    logged_policies: [{ decisions: requests }],
    unsupported_share: 0,
    sure_share: 0,
    can_tell: true,
    warnings: [],
  });
  // All of the simulated models are always right.
  expect(same.measures[0]).toMatchObject({ measure: 'success', logged: { value: 1 }, snips: { value: 1 } });
});
