import { type Capability, capabilityNames, type Model } from '../../contracts/index.ts';
import { isPreviewId, withoutDate } from '../../platform/providers/model-id.ts';
import type { Proposal } from '../rollouts/proposal.ts';
import { compareAge, parseModelName } from './family.ts';

/** What may be said of a candidate: which model it would replace and why, or why none. */
export interface Opinion {
  /** The model that it would replace, where it would. */
  control: Model | null;
  relation: Proposal['relation'];
  /** Whether a rollout is proposed without anybody's word, and then whether the mode `auto` tries it without. */
  isProposed: boolean;
  automatic: boolean;
  reason: string;
}

/** A candidate that costs more than this many times as much needs somebody's word. */
const dearerThan = 2;

/**
 * What a candidate would replace: the newest stable model of its family, where it is a newer version of that; else, where no
 * model of its family is stable, the stable model of its provider that is nearest in price and can do nothing that it cannot.
 * Previews, dated copies of the version in use, and older models replace nothing. Pure.
 *
 * In the mode `auto` only a newer version of a family is tried without a word, and one that loses a capability or costs more
 * than twice as much is not.
 */
export function proposeFor(candidate: Model, models: readonly Model[]): Opinion {
  const others = models.filter(
    (model) =>
      model.provider === candidate.provider &&
      model.model_id !== candidate.model_id &&
      model.status === 'stable' &&
      model.capabilities.text_generation,
  );
  const none = (reason: string): Opinion => ({
    control: null,
    relation: 'family',
    isProposed: false,
    automatic: false,
    reason,
  });
  const name = parseModelName(candidate.model_id);
  const [newest] = others
    .map((model) => ({ model, name: parseModelName(model.model_id) }))
    .filter((relative) => relative.name.family === name.family)
    .sort((a, b) => compareAge(b.name, a.name) || a.model.model_id.localeCompare(b.model.model_id));
  if (isPreviewId(candidate.model_id)) return none('a preview; previews are not tried by themselves');
  if (newest !== undefined) {
    const { model_id: id } = newest.model;
    const isSameVersion = String(name.version) === String(newest.name.version);
    if (isSameVersion && withoutDate(candidate.model_id) !== candidate.model_id) {
      return none(`a dated copy of the version of ${id}; such are not tried by themselves`);
    }
    const age = compareAge(name, newest.name);
    if (age < 0) return none(`older than ${id}`);
    if (age === 0) return none(`of the same version as ${id}`);
    const objection = objectionTo(candidate, newest.model);
    const reason = `newer than ${id}`;
    return {
      control: newest.model,
      relation: 'family',
      isProposed: true,
      automatic: objection === null,
      reason: objection === null ? reason : `${reason}, but ${objection}: waits for approval`,
    };
  }
  const nearest = nearestInPrice(candidate, others);
  if (nearest === null) return none('nothing that it could replace: no stable model is of its family or like it');
  return {
    control: nearest,
    relation: 'price',
    isProposed: true,
    automatic: false,
    reason: `of a new family; nearest in price to ${nearest.model_id}, and can do all that it can: waits for approval`,
  };
}

function objectionTo(candidate: Model, control: Model): string | null {
  const lost = capabilitiesLost(candidate, control);
  if (lost.length > 0) return `it cannot do ${lost.join(', ')}`;
  for (const kind of ['input_tokens_per_1k', 'output_tokens_per_1k'] as const) {
    const [before, after] = [control.costs[kind], candidate.costs[kind]];
    if (before === null) continue;
    if (after === null) return 'its price is not known';
    if (after > before * dearerThan) return `it costs more than ${dearerThan} times as much`;
  }
  return null;
}

/** What price and context say themselves, or measurements, is no capability that requests ask for. */
const derived: ReadonlySet<Capability> = new Set(['fast_inference', 'long_context']);

function capabilitiesLost(candidate: Model, control: Model): Capability[] {
  return capabilityNames.filter(
    (name) => !derived.has(name) && control.capabilities[name] && !candidate.capabilities[name],
  );
}

/** With the kinds of input, which are known of few new models: they are said, and no reason against one. */
function lostBy(candidate: Model, control: Model): string[] {
  const inputs = control.modalities.input.filter((modality) => !candidate.modalities.input.includes(modality));
  return [...capabilitiesLost(candidate, control), ...inputs.map((modality) => `${modality} input`)];
}

/** By the ratio of what a request of three input tokens to one of output costs. Null where no price or no model fits. */
function nearestInPrice(candidate: Model, others: readonly Model[]): Model | null {
  const price = blendedPrice(candidate);
  if (price === null) return null;
  const [nearest] = others
    .filter((model) => capabilitiesLost(candidate, model).length === 0)
    .flatMap((model) => {
      const other = blendedPrice(model);
      return other === null ? [] : [{ model, distance: Math.abs(Math.log((price + tiny) / (other + tiny))) }];
    })
    .sort((a, b) => a.distance - b.distance || a.model.model_id.localeCompare(b.model.model_id));
  return nearest?.model ?? null;
}

/** USD per 1,000 tokens; keeps the ratio of two free models at 1. */
const tiny = 1e-9;

function blendedPrice({ costs }: Model): number | null {
  const { input_tokens_per_1k: input, output_tokens_per_1k: output } = costs;
  return input === null || output === null ? null : (3 * input + output) / 4;
}

/** What would be different, in numbers and in words. */
export function describeChange(candidate: Model, control: Model, opinion: Pick<Opinion, 'relation' | 'automatic'>) {
  const changes: Record<string, { from: number | null; to: number | null }> = {};
  const words: string[] = [];
  const compare = (name: string, label: string, from: number | null, to: number | null, unit: string): void => {
    if (from === to) return;
    changes[name] = { from, to };
    const percent = from !== null && to !== null && from > 0 ? ` (${signed((to / from - 1) * 100)}%)` : '';
    words.push(`${label} ${shown(from)} → ${shown(to)}${unit}${percent}`);
  };
  const perMillion = (price: number | null): number | null =>
    price === null ? null : Number((price * 1000).toPrecision(12));
  const { costs: before } = control;
  const { costs: after } = candidate;
  for (const kind of ['input', 'output'] as const) {
    const field = `${kind}_tokens_per_1k` as const;
    if (before[field] === after[field]) continue;
    compare(field, `${kind} tokens`, perMillion(before[field]), perMillion(after[field]), ' USD per million');
    changes[field] = { from: before[field], to: after[field] };
  }
  compare('context_window', 'context', control.context_window, candidate.context_window, ' tokens');
  compare('max_output_tokens', 'longest answer', control.max_output_tokens, candidate.max_output_tokens, ' tokens');
  const lost = lostBy(candidate, control);
  const gained = lostBy(control, candidate);
  if (gained.length > 0) words.push(`gains ${gained.join(', ')}`);
  if (lost.length > 0) words.push(`loses ${lost.join(', ')}`);
  return {
    relation: opinion.relation,
    automatic: opinion.automatic,
    changes,
    capabilities_gained: gained,
    capabilities_lost: lost,
    summary: words.length === 0 ? 'the same price, context and capabilities' : words.join('; '),
  } satisfies Proposal;
}

function shown(value: number | null): string {
  return value === null ? 'unknown' : value.toLocaleString('en-US', { maximumSignificantDigits: 6 });
}

function signed(percent: number): string {
  return `${percent > 0 ? '+' : '−'}${Math.abs(percent).toFixed(0)}`;
}
