import { expect, it } from 'vitest';
import { parseRequestedRace } from './requested-race.ts';

it.each([
  ['race', { strategy: 'first', models: null }],
  ['race:first', { strategy: 'first', models: null }],
  ['race:consensus', { strategy: 'consensus', models: null }],
  ['race:a, b ,c', { strategy: 'first', models: ['a', 'b', 'c'] }],
  ['race:best:openai/a,b', { strategy: 'best', models: ['openai/a', 'b'] }],
  ['race:llama3:8b,a', { strategy: 'first', models: ['llama3:8b', 'a'] }],
  ['race:best:', { strategy: 'best', models: [] }],
  ['racer', null],
  ['auto', null],
])('%s', (name, race) => {
  expect(parseRequestedRace(name)).toEqual(race);
});
