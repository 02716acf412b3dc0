import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { RoutingDecision } from '../../../src/contracts/event.ts';
import type { ShadowPair } from '../../../src/contracts/rollout.ts';
import { fails, hangs, type Play, says, whole } from '../../e2e/racing-upstream.ts';
import { patience, postJson } from '../../e2e/requests.ts';
import { answerJson, beginStream, chunk, event, writeNow } from '../../e2e/upstream.ts';
import { ask, asked, isEnded, many, models, type RolloutApp, startRolloutApp } from './support.ts';

let app: RolloutApp;
beforeAll(async () => {
  app = await startRolloutApp({
    upgrade: { shadow: { judge: models.judge, max_usd_per_day: 1000 } },
    deadlines: {
      first_token_ms: { simple: 1000, medium: 1000, complex: 1000 },
      complete_ms: { simple: 1000, medium: 1000, complex: 1000 },
    },
  });
});
afterAll(() => app.stop());
afterEach(() => app.reset());

const { control, candidate, judge } = models;

const pairOf = (events: readonly RoutingDecision[]): ShadowPair | undefined =>
  events.find(({ rollout }) => rollout?.pair !== undefined)?.rollout?.pair;

/** Copies everything, asks once, and waits for the pair. */
async function compared(
  plays: Record<string, Play>,
  more: Record<string, unknown> = {},
): Promise<{ pair: ShadowPair; events: RoutingDecision[]; answer: Awaited<ReturnType<typeof ask>> }> {
  app.raw.plays = plays;
  await app.begin('shadow', 1);
  const answer = await ask(app, 'one', more);
  const events = await app.events((all) => pairOf(all) !== undefined);
  return { pair: pairOf(events) as ShadowPair, events, answer };
}

/** The judge, who gives the better answer 9 and the other 3. */
function prefers(text: string): Play {
  return (response, body) => {
    const [, shown] = body['messages'] as Array<{ content: string }>;
    const isFirst = (shown?.content.indexOf(text) ?? 0) < (shown?.content.indexOf('letter="B"') ?? 0);
    answerJson(response, whole(JSON.stringify({ scores: isFirst ? { A: 9, B: 3 } : { A: 3, B: 9 } })));
  };
}

/** Says a little, and is then ended by the provider's filter. */
const filtered: Play = async (response, { stream }) => {
  if (stream !== true) {
    const message = { role: 'assistant', content: 'the' };
    return answerJson(response, { ...whole(''), choices: [{ index: 0, message, finish_reason: 'content_filter' }] });
  }
  beginStream(response);
  await writeNow(response, event(chunk({ content: 'the' })));
  response.end(event(chunk({}, 'content_filter')) + event('[DONE]'));
};

/** Calls a function with these arguments. */
function calls(name: string, given: string): Play {
  return async (response, { stream }) => {
    const call = { id: 'call_1', type: 'function', function: { name, arguments: given } };
    if (stream !== true) {
      const message = { role: 'assistant', content: null, tool_calls: [call] };
      return answerJson(response, { ...whole(''), choices: [{ index: 0, message, finish_reason: 'tool_calls' }] });
    }
    beginStream(response);
    await writeNow(response, event(chunk({ role: 'assistant', tool_calls: [{ index: 0, ...call }] })));
    response.end(event(chunk({}, 'tool_calls')) + event('[DONE]'));
  };
}

describe('a pair', () => {
  it('is of the answer that the user got and of a copy that came after it', async () => {
    let userIsAnswered = false;
    const { pair, events, answer } = await compared({
      [control]: says('the old answer'),
      [candidate]: async (response, body) => {
        userIsAnswered = app.raw.upstream.requests.length === 2;
        expect(body).toMatchObject({ model: candidate, stream: true, stream_options: { include_usage: true } });
        await says('the new answer')(response, body);
      },
      [judge]: prefers('the new answer'),
    });
    expect(answer).toMatchObject({ status: 200, model: control });
    expect(answer.text).toContain('the old answer');
    expect(userIsAnswered).toBe(true);
    expect(pair).toEqual({
      error: 'neither',
      invalid: 'neither',
      streamed: false,
      control_ms: expect.any(Number) as number,
      shadow_ms: expect.any(Number) as number,
      // 10 tokens in and 5 out.
      control_cost_usd: expect.closeTo(0.00002, 10) as number,
      shadow_cost_usd: expect.closeTo(0.00002, 10) as number,
      scores: { control: 0.3, shadow: 0.9 },
    });
    const ofUser = events.filter(({ origin }) => origin === 'auto');
    expect(ofUser.map(({ rollout }) => rollout)).toEqual([undefined, undefined]);
    const copy = events.filter(({ rollout }) => rollout !== undefined);
    expect(
      copy.map(({ outcome, origin, attempt, selected_model: model }) => [outcome, origin, attempt, model]),
    ).toEqual([
      ['routed', 'shadow', 0, candidate],
      ['success', 'shadow', 0, candidate],
      ['success', 'shadow', undefined, candidate],
    ]);
    expect(new Set(copy.map(({ decision_id: id }) => id)).size).toBe(1);
    expect(copy.every(({ rollout }) => rollout?.arm === 'shadow' && rollout.share === 1)).toBe(true);
    expect(new Set(copy.map(({ rollout }) => rollout?.unit))).toEqual(
      new Set([expect.stringMatching(/^[0-9a-f]{16}$/)]),
    );
    // The judge's call is nobody's either.
    const judged = events.filter(({ selected_model: model }) => model === judge);
    expect(judged.map(({ origin, rollout }) => [origin, rollout])).toEqual([
      ['shadow', undefined],
      ['shadow', undefined],
    ]);
    // Nothing of what was said.
    expect(JSON.stringify(events)).not.toMatch(/the (?:old|new) answer|Hello/);
  });

  it('is of streams too, by the time to their first token', async () => {
    const { pair, answer } = await compared(
      {
        [control]: async (response, body) => {
          await new Promise((resolve) => setTimeout(resolve, 300));
          await says('the old answer')(response, body);
        },
        [candidate]: says('the new answer'),
        [judge]: prefers('the old answer'),
      },
      { stream: true },
    );
    expect(answer.text).toContain('the old answer');
    expect(pair).toMatchObject({ error: 'neither', invalid: 'neither', scores: { control: 0.9, shadow: 0.3 } });
    expect(pair.control_ms).toBeGreaterThan(pair.shadow_ms ?? Infinity);
  });

  const schema = { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] };
  const format = { response_format: { type: 'json_schema', json_schema: { name: 'x', schema } } };
  const tools = { tools: [{ type: 'function', function: { name: 'f', parameters: schema } }] };

  it.each<[what: string, invalid: string, old: Play, fresh: Play, more: Record<string, unknown>]>([
    ['the form that was asked for', 'shadow', says('{"n":1}'), says('{"n":"1"}'), format],
    ['the form that was asked for', 'control', says('n is 1'), says('{"n":1}'), format],
    ['the form that was asked for', 'neither', says('{"n":1}'), says('{"n":2}'), format],
    ['the arguments of calls', 'shadow', calls('f', '{"n":1}'), calls('f', '{"n":'), tools],
    ['the arguments of calls', 'shadow', calls('f', '{"n":1}'), calls('f', '{}'), tools],
    ['the functions that there are', 'shadow', calls('f', '{"n":1}'), calls('g', '{"n":1}'), tools],
    ['calls', 'both', calls('f', '{}'), calls('f', '{}'), { ...tools, stream: true }],
    ['calls', 'neither', calls('f', '{"n":1}'), says('none'), tools],
  ])('says of %s whose is not valid: %s', async (_, invalid, old, fresh, more) => {
    const { pair } = await compared({ [control]: old, [candidate]: fresh }, more);
    expect(pair).toMatchObject({ error: 'neither', invalid });
  });

  it.each<[what: string, play: Play]>([
    ['answers 500', fails(500)],
    ['does not take the request', fails(400)],
    ['is not there', fails(404)],
    ['hangs', hangs],
    ['resets the connection', (response) => void response.destroy()],
    ['sends garbage', (response) => answerJson(response, { no: 'stream' })],
    [
      'breaks off',
      async (response) => {
        beginStream(response);
        await writeNow(response, event(chunk({ content: 'the' })));
        response.destroy();
      },
    ],
    [
      'never comes to an end',
      (response) => {
        beginStream(response);
        const timer = setInterval(() => response.write(event(chunk({ content: 'on and ' }))), 50);
        response.on('close', () => clearInterval(timer));
      },
    ],
  ])(
    'counts as an error of a candidate that %s, and its user knows nothing of it',
    async (_, play) => {
      const { pair, answer } = await compared({ [control]: says('the old answer'), [candidate]: play });
      expect(answer).toMatchObject({ status: 200, model: control });
      expect(pair).toMatchObject({ error: 'shadow', invalid: 'neither', shadow_ms: null, scores: null });
    },
    15_000,
  );

  it('counts as an error of the control where another model had to answer', async () => {
    const { pair, answer } = await compared({ [control]: fails(500), [candidate]: says('the new answer') });
    expect(answer).toMatchObject({ status: 200, model: models.spare });
    expect(pair).toMatchObject({ error: 'control', control_ms: null });
  });

  it.each<[whose: string, old: Play, fresh: Play, status: number, more: Record<string, unknown>]>([
    ['control', fails(400), says('the new answer'), 400, {}],
    ['both', fails(400), fails(400), 400, {}],
    ['control', filtered, says('the new answer'), 200, {}],
    ['control', filtered, says('the new answer'), 200, { stream: true }],
    ['shadow', says('the old answer'), filtered, 200, {}],
    ['both', filtered, filtered, 200, {}],
  ])('has a refusal, or a stop by a content filter, as an error on whichever side: %s', async (...given) => {
    const [whose, old, fresh, status, more] = given;
    const { pair, answer } = await compared({ [control]: old, [candidate]: fresh }, more);
    expect(answer.status).toBe(status);
    expect(pair).toMatchObject({ error: whose, scores: null });
  });
});

describe('no copy is made', () => {
  it.each<[why: string, reason: string, more: Record<string, unknown>, plays: Record<string, Play>]>([
    ['of tools that a provider runs itself', 'tools', { tools: [{ type: 'web_search' }] }, {}],
    ['of several choices', 'choices', { n: 2 }, {}],
    ['where the provider had no room', 'no_control', {}, { [control]: fails(429) }],
    ['of an answer too long to keep', 'too_large', {}, { [control]: says('a'.repeat(1_100_000)) }],
  ])('%s', async (_, reason, more, plays) => {
    app.raw.plays = plays;
    await app.begin('shadow', 1);
    const before = await skipped(reason);
    await ask(app, 'one', more);
    await expect.poll(() => skipped(reason), patience).toBe(before + 1);
    expect(asked(app)).not.toContain(candidate);
  });

  it('for other surfaces', async () => {
    await app.begin('shadow', 1);
    const before = await skipped('surface');
    await postJson(`${app.routerUrl}/v1/messages`, {
      model: 'auto',
      max_tokens: 10,
      messages: [{ role: 'user', content: 'Hello' }],
    });
    await app.events((all) => all.filter(isEnded).length === 1);
    expect(asked(app)).not.toContain(candidate);
    expect(await skipped('surface')).toBe(before + 1);
  });

  it('once the trial is over, though its user was asking while it was not', async () => {
    let goOn: () => void = () => undefined;
    const later = new Promise<void>((resolve) => (goOn = resolve));
    app.raw.plays = { [control]: says('the old answer', { after: later }) };
    const rolloutId = await app.begin('shadow', 1);
    const before = await skipped('trial_ended');
    const answer = ask(app, 'one', { stream: true });
    await expect.poll(() => asked(app), patience).toEqual([control]);
    await app.step(rolloutId, 'rolled_back', 0);
    await app.untilKnown();
    goOn();
    await answer;
    await expect.poll(() => skipped('trial_ended'), patience).toBe(before + 1);
    expect(asked(app)).not.toContain(candidate);
  });

  it('beyond eight at once, and users do not wait for any', async () => {
    app.raw.plays = { [candidate]: hangs };
    await app.begin('shadow', 1);
    const before = await skipped('busy');
    const answers = await many(20, 20, (index) => ask(app, `busy ${index}`));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    await expect.poll(() => skipped('busy'), patience).toBe(before + 12);
    await app.events((all) => all.filter(({ rollout }) => rollout?.pair !== undefined).length === 8);
    expect(asked(app).filter((model) => model === candidate)).toHaveLength(8);
  });
});

it('copies its share', async () => {
  await app.begin('shadow', 0.05);
  const count = 1000;
  const before = await skipped('not_drawn');
  await many(count, 8, (index) => ask(app, `share ${index}`));
  const events = await app.events((all) => all.filter((one) => one.origin === 'auto' && isEnded(one)).length === count);
  const copied = events.filter(
    ({ origin, outcome, rollout }) => origin === 'shadow' && outcome === 'routed' && rollout,
  );
  // Four standard deviations of a binomial.
  expect(Math.abs(copied.length - 50)).toBeLessThan(4 * Math.sqrt(count * 0.05 * 0.95));
  expect(await skipped('not_drawn')).toBeLessThanOrEqual(before + count - copied.length);
  expect(await skipped('not_drawn')).toBeGreaterThan(before + count * 0.9);
}, 60_000);

it('counts copies in no number of users', async () => {
  await compared({ [candidate]: fails(500) });
  const lines = (await app.metrics.text()).split('\n').filter((line) => line.includes(candidate));
  expect(lines.length).toBeGreaterThan(0);
  const ofCopies = /^signalbox_router_(?:shadow_calls_total|cost_usd_total\{.*origin="shadow")/;
  expect(lines.filter((line) => !ofCopies.test(line))).toEqual([]);
});

async function skipped(reason: string): Promise<number> {
  const name = `signalbox_router_shadow_skipped_total{reason="${reason}"}`;
  const line = (await app.metrics.text()).split('\n').find((one) => one.startsWith(name));
  return Number(line?.slice(name.length) ?? 0);
}
