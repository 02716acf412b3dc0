import { createHash } from 'node:crypto';
import type { Model } from '../../contracts/index.ts';

/**
 * What a model is, as far as a provider says: prices, sizes, capabilities and since when it is listed. One that was rolled
 * back is tried again when this differs. Capabilities that follow from others, or are measured, are left out: a candidate
 * must not become another one by being tried.
 */
export function fingerprintOf(model: Model, listedSince: Date): string {
  const { fast_inference: _measured, long_context: _derived, ...capabilities } = model.capabilities;
  const facts = [
    Object.entries(model.costs).sort(([a], [b]) => a.localeCompare(b)),
    model.context_window,
    model.max_output_tokens,
    Object.entries(capabilities).sort(([a], [b]) => a.localeCompare(b)),
    listedSince.toISOString().slice(0, 10),
  ];
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex');
}
