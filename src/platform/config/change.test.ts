import { describe, expect, test } from 'vitest';
import { derive } from '../core/live.ts';
import { changesBetween, keepUnchanged, takeOver } from './change.ts';
import { createLiveConfig } from './live.ts';
import { type Config, loadConfig } from './load.ts';
import { showConfig } from './show.ts';

const load = (flags: Record<string, unknown>): Config => loadConfig({ env: {}, cwd: '/nonexistent', flags });
const before = load({ providers: [{ name: 'a', kind: 'openai', api_key: 'sk-first' }], log_level: 'info' });

describe('takeOver', () => {
  test('takes what can change, keeps what only a restart takes, and names that', () => {
    const wanted = load({
      log_level: 'debug',
      ports: { router: 9001 },
      host: 'localhost',
      demo: { requests_per_second: 9 },
      database_url: 'postgres://db/other',
      routing: { weights: { cost: 2 } },
    });
    const { config, needsRestart } = takeOver(before, wanted);
    expect(needsRestart).toEqual(['host', 'ports.router', 'instance_id', 'database_url', 'demo.requests_per_second']);
    expect(config).toMatchObject({
      log_level: 'debug',
      host: before.host,
      ports: before.ports,
      instance_id: before.instance_id,
      demo: before.demo,
      providers: [],
      routing: { weights: { cost: 2 } },
    });
    expect(config.database_url).toBeUndefined();
  });

  test('gives back the very same parts where nothing changed', () => {
    const same = load({ providers: [{ name: 'a', kind: 'openai', api_key: 'sk-first' }], log_level: 'info' });
    expect(same).not.toBe(before);
    expect(takeOver(before, same)).toEqual({ config: before, needsRestart: [] });
    expect(takeOver(before, same).config).toBe(before);
    const { config } = takeOver(before, load({ log_level: 'info', routing: { weights: { cost: 2 } } }));
    expect(config.deadlines).toBe(before.deadlines);
    expect(config.routing.preferences).toBe(before.routing.preferences);
    expect(config.routing.weights).not.toBe(before.routing.weights);
  });
});

test('what is made of a setting lasts until that setting changes, whatever else does', () => {
  const live = createLiveConfig(before);
  const made = derive(
    () => live.current().routing,
    () => ({}),
  );
  const first = made();
  live.set(load({ log_level: 'debug' }), live.state());
  expect(live.current().log_level).toBe('debug');
  expect(made()).toBe(first);
  live.set(load({ routing: { deny: ['x'] } }), live.state());
  expect(made()).not.toBe(first);
});

test('differences name providers, hide keys, and say what needs a restart', () => {
  const after = load({
    providers: [{ name: 'a', kind: 'openai', api_key: 'sk-second' }],
    master_key: 'a-master-key-that-is-long',
    ports: { router: 9001 },
  });
  const changes = changesBetween(showConfig(before), showConfig(after)).filter(({ path }) => path !== 'instance_id');
  expect(changes.map(({ path, needsRestart }) => [path, needsRestart])).toEqual([
    ['master_key', false],
    ['ports.router', true],
    ['providers.a.api_keys', false],
  ]);
  expect(JSON.stringify(changes)).not.toMatch(/sk-|a-master/);
});

test('keepUnchanged drops what is gone', () => {
  expect(keepUnchanged<Record<string, unknown>>({ a: 1, b: { c: 1 } }, { b: { c: 1, d: 2 } })).toEqual({
    b: { c: 1, d: 2 },
  });
});
