import type { Model } from '../../contracts/model.ts';
import type { Savings } from '../../contracts/savings.ts';
import { SignalboxError } from '../../platform/core/errors.ts';
import type { Executor } from '../../platform/postgres/pool.ts';
import { findModel, listModels } from '../../platform/store/models.ts';
import { readLostLanes } from '../../platform/store/race-results.ts';
import { type Purpose, readSpending, type Spending } from '../../platform/store/spending.ts';
import { answersOf, baselineCost } from './baseline-cost.ts';
import {
  type Comparison,
  compareWith,
  findBestSingle,
  judgeSingle,
  type SingleModel,
  successOf,
} from './compare-models.ts';
import { type LoggedChoices, readChoices } from './read-choices.ts';

export interface SavingsRequest {
  /** When the window begins; it is taken from the beginning of that hour. */
  sinceMs: number;
  nowMs: number;
  /** `provider/model`, or a model alone; null: the best single model. */
  baseline: string | null;
  /** Newest decisions by which quality is compared. */
  limit: number;
  /** `routing.quality_floor`. */
  floor: number | null;
}

const hourMs = 3_600_000;

/**
 * What routing has cost and saved since then, beside the best single model, and what became of quality. Costs are sums by
 * the hour over all requests of the window; quality is compared by its newest decisions.
 *
 * @throws SignalboxError `not_found` for a baseline that the catalogue does not have.
 */
export async function tellSavings(db: Executor, request: SavingsRequest): Promise<Savings> {
  const since = new Date(Math.floor(request.sinceMs / hourMs) * hourMs).toISOString();
  const named = request.baseline === null ? null : await findNamed(db, request.baseline);
  const spending = await readSpending(db, since);
  const raceLosersUsd = await readLostLanes(db, since);
  const logged = await readChoices(db, since, request.limit);
  const catalogue = new Map((named === null ? await listModels(db) : [named]).map((model) => [keyOf(model), model]));
  const single =
    named === null
      ? findBestSingle(logged.choices, new Set(catalogue.keys()))
      : judgeSingle(keyOf(named), logged.choices);
  const baseline = named ?? (single === null ? undefined : catalogue.get(single.key));

  const spent = sumUp(spending, raceLosersUsd);
  const cost = baseline === undefined ? null : costOf(spending, baseline);
  const baselineUsd = cost?.cost_usd ?? null;
  const usd = baselineUsd === null ? null : baselineUsd - spent.total_usd;
  const comparison = baseline === undefined ? null : compareWith(keyOf(baseline), logged.choices);
  const answers = answersOf(spending);
  const requests = { answered: sumOf(answers, 'answers'), left_out: sumOf(answers, 'unpriced_answers') };
  return {
    since,
    until: new Date(request.nowMs).toISOString(),
    requests,
    spent,
    baseline:
      baseline === undefined || cost === null
        ? null
        : {
            model: baseline.model_id,
            provider: baseline.provider,
            chosen_by: named === null ? 'estimate' : 'request',
            success_rate: single?.successRate ?? null,
            ...cost,
          },
    saved: usd === null || baselineUsd === null ? null : { usd, share: baselineUsd === 0 ? null : usd / baselineUsd },
    quality: qualityOf(logged, comparison, request.floor),
    notes: notesOn(requests, cost, comparison, single),
  };
}

const keyOf = ({ provider, model_id: model }: Pick<Model, 'provider' | 'model_id'>): string => `${provider}/${model}`;

async function findNamed(db: Executor, name: string): Promise<Model> {
  const model = await findModel(db, name);
  if (model !== undefined) return model;
  throw new SignalboxError('not_found', `the catalogue has no model ${name}`, { param: 'baseline' });
}

function sumOf(
  rows: readonly Spending[],
  column: Exclude<keyof Spending, 'purpose' | 'provider' | 'model' | 'complexity'>,
) {
  return rows.reduce((sum, row) => sum + row[column], 0);
}

function sumUp(spending: readonly Spending[], raceLosersUsd: number): Savings['spent'] {
  const costOfAll = (purpose: Purpose): number =>
    sumOf(
      spending.filter((row) => row.purpose === purpose),
      'cost_usd',
    );
  const parts = {
    choices_usd: costOfAll('choice'),
    fallbacks_usd: costOfAll('fallback'),
    hedges_usd: costOfAll('hedge'),
    copies_usd: costOfAll('copy'),
    judges_usd: costOfAll('judge'),
    race_losers_usd: raceLosersUsd,
  };
  return {
    ...parts,
    total_usd: Object.values(parts).reduce((sum, part) => sum + part, 0),
    unused_usd: sumOf(answersOf(spending), 'unused_usd'),
    explored: sumOf(spending, 'explored'),
    exploration_usd: sumOf(spending, 'exploration_usd'),
  };
}

type CostOfBaseline = Pick<NonNullable<Savings['baseline']>, 'cost_usd' | 'own_output' | 'same_output'>;

function costOf(spending: readonly Spending[], { provider, model_id: model, costs }: Model): CostOfBaseline {
  const { costUsd, ownOutput, sameOutput } = baselineCost(spending, { provider, model }, costs);
  return { cost_usd: costUsd, own_output: ownOutput, same_output: sameOutput };
}

function qualityOf(
  { read, choices, limitReached }: LoggedChoices,
  comparison: Comparison | null,
  floor: number | null,
): Savings['quality'] {
  const measured = comparison?.measured ?? null;
  return {
    decisions: { read, used: comparison?.used ?? 0, limit_reached: limitReached },
    success: comparison?.success ?? successOf(choices),
    baseline_success: measured?.baseline ?? null,
    baseline_success_snips: measured?.snips ?? null,
    effective_sample_size: comparison?.effectiveCount ?? 0,
    quality_ratio: measured?.ratio ?? null,
    believed_ratio: comparison?.believedRatio ?? null,
    floor,
    holds: measured === null || floor === null ? null : isAtLeast(measured.ratio.interval, floor),
  };
}

function isAtLeast([low, high]: readonly [number, number], floor: number): boolean | null {
  if (low >= floor) return true;
  return high < floor ? false : null;
}

/** What is missing, and what would help. */
function notesOn(
  { answered, left_out: leftOut }: Savings['requests'],
  cost: CostOfBaseline | null,
  comparison: Comparison | null,
  single: SingleModel | null,
): string[] {
  const notes: string[] = [];
  if (answered === 0) notes.push('no automatic request was answered in this time');
  if (leftOut > 0) notes.push(`${leftOut} answers of unknown price or usage are left out`);
  if (answered > 0 && cost === null) {
    notes.push('no model is known well enough to compare with: name one as baseline');
  }
  if (cost?.cost_usd === null) notes.push('the price of the baseline is unknown: set it in the catalogue');
  if (cost !== null && cost.cost_usd !== null && cost.same_output > 0) {
    notes.push(
      `for ${cost.same_output} requests the baseline is taken to write as many tokens as the answer had, since it has answered too few of their complexity`,
    );
  }
  if (comparison !== null && comparison.measured === null) {
    notes.push(
      `too few decisions say how good the baseline is (${comparison.effectiveCount.toFixed(0)} effective, 100 are needed): ` +
        (single === null ? 'the routers have not weighed it' : 'its success rate is mostly what is believed'),
    );
  }
  return notes;
}
