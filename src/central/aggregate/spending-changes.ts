import { isAutoModel } from '../../contracts/auto-model.ts';
import type { WrittenRecord } from '../../platform/store/routing-records.ts';
import type { Purpose, SpendingChange } from '../../platform/store/spending.ts';
import type { DecisionEvent } from '../consume/parse-message.ts';
import { isTerminal } from './record.ts';

const hourMs = 3_600_000;

/** What a batch of events adds to what automatic requests cost. Of other requests it takes nothing. */
export interface SpendingChanges {
  /** An attempt is known now (`before` undefined) or better than before. It counts once, when it ends. */
  countAttempt(before: WrittenRecord | undefined, after: WrittenRecord, event: DecisionEvent): void;
  changes(): SpendingChange[];
}

export function createSpendingChanges(): SpendingChanges {
  const changes = new Map<string, SpendingChange>();

  function changeOf({ timestamp, provider, model, complexity }: WrittenRecord, purpose: Purpose): SpendingChange {
    const hour = new Date(Math.floor(Date.parse(timestamp) / hourMs) * hourMs).toISOString();
    const key = JSON.stringify([hour, purpose, provider, model, complexity]);
    const known = changes.get(key) ?? { ...nothing, hour, purpose, provider, model, complexity };
    changes.set(key, known);
    return known;
  }

  return {
    countAttempt(before, after, event) {
      if (!isTerminal(after.outcome) || (before !== undefined && isTerminal(before.outcome))) return;
      const purpose = purposeOf(after, event);
      if (purpose === null) return;
      const change = changeOf(after, purpose);
      const { cost_usd: cost, input_tokens: inputTokens, output_tokens: outputTokens } = after;
      if (isAnswer(after) && (cost === null || inputTokens === null || outputTokens === null)) {
        change.unpriced_answers += 1;
        return;
      }
      change.cost_usd += cost ?? 0;
      if (!isAnswer(after)) {
        change.unused_usd += cost ?? 0;
        return;
      }
      change.answers += 1;
      change.input_tokens += inputTokens ?? 0;
      change.cached_input_tokens += after.cached_input_tokens ?? 0;
      change.output_tokens += outputTokens ?? 0;
      const { exploration_cost_usd: exploration } = event.decision;
      if (purpose !== 'choice' || exploration === null || exploration === undefined) return;
      change.explored += 1;
      change.exploration_usd += exploration;
    },
    changes: () => [...changes.values()],
  };
}

const nothing = {
  answers: 0,
  input_tokens: 0,
  cached_input_tokens: 0,
  output_tokens: 0,
  unpriced_answers: 0,
  cost_usd: 0,
  unused_usd: 0,
  explored: 0,
  exploration_usd: 0,
};

/** Null: it is part of no automatic request, or a lane of a race, whose costs are kept with the race. */
function purposeOf(
  { origin, rollout_id, requested_model }: WrittenRecord,
  { decision }: DecisionEvent,
): Purpose | null {
  switch (origin) {
    case 'auto':
    case 'canary':
      return 'choice';
    case 'fallback':
    case 'hedge':
      return requested_model !== null && isAutoModel(requested_model) ? origin : null;
    case 'shadow':
      return rollout_id === null ? 'judge' : 'copy';
    case 'race':
      return decision.race === undefined ? 'judge' : null;
    default:
      return null;
  }
}

/** Whether somebody got it, if only in part: from its first content on an answer belongs to the client. */
function isAnswer({ outcome, time_to_first_token_ms: firstTokenMs }: WrittenRecord): boolean {
  return outcome === 'success' || firstTokenMs !== null;
}
