import { type RaceStrategy, raceStrategySchema } from '../../contracts/race.ts';

/** What a model's name asks for that means a race. */
export interface RequestedRace {
  strategy: RaceStrategy;
  /** Null: the router chooses them. */
  models: readonly string[] | null;
}

/**
 * Reads `race`, `race:first`, `race:a,b,c` and `race:consensus:a,b,c`; null for every other name. Without a strategy it is
 * `first`.
 */
export function parseRequestedRace(name: string): RequestedRace | null {
  if (name === 'race') return { strategy: 'first', models: null };
  if (!name.startsWith('race:')) return null;
  const rest = name.slice('race:'.length);
  const colon = rest.indexOf(':');
  const word = colon === -1 ? rest : rest.slice(0, colon);
  const strategy = raceStrategySchema.safeParse(word);
  // A model's name may hold a colon itself, as `llama3:8b` does.
  if (!strategy.success) return { strategy: 'first', models: namesIn(rest) };
  return { strategy: strategy.data, models: colon === -1 ? null : namesIn(rest.slice(colon + 1)) };
}

function namesIn(list: string): string[] {
  return list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}
