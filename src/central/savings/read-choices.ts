import { z } from 'zod';
import { candidateSchema } from '../../contracts/decision.ts';
import type { Complexity } from '../../contracts/query-class.ts';
import type { Executor } from '../../platform/postgres/pool.ts';
import {
  type DecisionCursor,
  listLoggedDecisions,
  type LoggedDecision,
} from '../../platform/store/logged-decisions.ts';
import { successRateOf } from '../../statistics/score-scale.ts';
import { isGood } from '../aggregate/record.ts';

/** What was known of a model when a choice was made. */
export interface Offer {
  /** With which probability it was to be chosen. */
  probability: number;
  /** Success rate that was believed of it. */
  believed: number;
}

/** An automatic choice with what came of it. */
export interface LoggedChoice {
  complexity: Complexity;
  /** `provider/model`, as all models here. */
  served: string;
  propensity: number;
  isGood: boolean;
  /** More than one model had a chance: else nothing follows of any other than the served one. */
  byChance: boolean;
  offers: ReadonlyMap<string, Offer>;
}

export interface LoggedChoices {
  read: number;
  choices: LoggedChoice[];
  limitReached: boolean;
}

const pageSize = 200;

const offersSchema = z.array(
  candidateSchema.pick({
    model: true,
    provider: true,
    complexity_score: true,
    believed_score: true,
    probability: true,
  }),
);

/**
 * The newest automatic decisions since then, ISO 8601, that have ended: at most `limit` are read. What came of a decision is
 * how its first attempt ended.
 */
export async function readChoices(db: Executor, since: string, limit: number): Promise<LoggedChoices> {
  const choices: LoggedChoice[] = [];
  let read = 0;
  let cursor: DecisionCursor | null = null;
  do {
    const size = Math.min(pageSize, limit - read);
    const page: Awaited<ReturnType<typeof listLoggedDecisions>> = await listLoggedDecisions(
      db,
      { since, until: null },
      cursor,
      size,
    );
    choices.push(...page.decisions.flatMap((decision) => toChoice(decision) ?? []));
    read += page.decisions.length;
    cursor = page.next;
  } while (cursor !== null && read < limit);
  return { read, choices, limitReached: cursor !== null };
}

function toChoice(decision: LoggedDecision): LoggedChoice | null {
  const { outcome, propensity, complexity } = decision;
  if (outcome === 'routed' || outcome === 'unknown' || outcome === 'cancelled') return null;
  if (propensity === null || propensity === 0) return null;
  const { data = [] } = offersSchema.safeParse(decision.candidates);
  if (data.length === 0) return null;
  const offers = data.map(({ model, provider, probability = 0, believed_score, complexity_score }) => {
    const believed = successRateOf(believed_score ?? complexity_score);
    return [`${provider}/${model}`, { probability, believed }] as const;
  });
  const served = `${decision.provider}/${decision.model}`;
  const byChance = offers.filter(([, { probability }]) => probability > 0).length > 1;
  return { complexity, served, propensity, isGood: isGood(decision), byChance, offers: new Map(offers) };
}
