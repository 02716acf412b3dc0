import type { Provider } from '../../platform/providers/definitions.ts';
import { wantsUsage } from '../surfaces/chat/answer.ts';
import { isObject } from '../surfaces/surface.ts';
import { rewriteBody } from './rewrite-body.ts';
import type { ClientRequest } from './upstream.ts';

/** Fields that steer the choice and that no provider but OpenRouter knows. */
const steeringFields = ['session_id', 'max_cost_usd', 'cost_quality_tradeoff', 'models', 'provider', 'race'] as const;
const openRouterFields: ReadonlySet<string> = new Set(['models', 'provider']);

/** Refuses what it does not know, and reports the usage of a stream unasked. */
const reportsUsageUnasked: ReadonlySet<Provider['kind']> = new Set(['mistral']);

/** Whether the usage of this stream has to be asked for, because the client does not want it and we do. */
export function asksForUsage(provider: Provider, { surface, stream, body }: ClientRequest): boolean {
  return stream && surface.name === 'chat' && !reportsUsageUnasked.has(provider.kind) && !wantsUsage(body);
}

/**
 * The client's request as it goes to a provider of the same dialect: with the routed model's name, without what steers
 * the gateway, asking for the usage of a stream where `addUsage` is set, and otherwise byte for byte.
 */
export function providerBody(
  provider: Provider,
  modelId: string,
  request: Pick<ClientRequest, 'body' | 'bytes'>,
  addUsage: boolean,
): Buffer {
  const { body, bytes } = request;
  const changes = new Map<string, string | null>();
  if (body['model'] !== modelId) changes.set('model', JSON.stringify(modelId));
  for (const field of steeringFields) {
    if (body[field] === undefined || (provider.kind === 'openrouter' && openRouterFields.has(field))) continue;
    changes.set(field, null);
  }
  if (addUsage) {
    const options = isObject(body['stream_options']) ? body['stream_options'] : {};
    changes.set('stream_options', JSON.stringify({ ...options, include_usage: true }));
  }
  return changes.size === 0 ? bytes : rewriteBody(bytes, changes);
}
