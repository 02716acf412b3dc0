import { createHash } from 'node:crypto';
import { type RoutingDecision, routingEventSchema } from '../../contracts/event.ts';
import type { QueueMessage } from '../../platform/postgres/pgmq.ts';

/** An event that was understood, with every id it needs. */
export interface DecisionEvent {
  eventId: string;
  decisionId: string;
  /** Undefined where the event does not say. */
  attempt: number | undefined;
  /** Time of the decision, ISO 8601. */
  timestamp: string;
  instanceId: string;
  decision: RoutingDecision;
}

export type ParsedMessage = { event: DecisionEvent } | { reason: string };

/**
 * Reads a message of the decisions queue. An instance that speaks only the seed's JSON gives no ids: its event gets one
 * that follows from the message, so that a second read of the same message is the same event of the same decision.
 */
export function parseMessage(queue: string, message: QueueMessage): ParsedMessage {
  const parsed = routingEventSchema.safeParse(message.message);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return { reason: `${issue?.path.join('.') || 'message'}: ${issue?.message ?? 'invalid'}` };
  }
  const { event_id: eventId, timestamp, instance_id: instanceId, routing_decision: decision } = parsed.data;
  if (decision.origin === 'feedback') {
    if (decision.decision_id === undefined) return { reason: 'routing_decision.decision_id: feedback needs one' };
    if (decision.outcome === 'routed' && (decision.feedback_score ?? null) === null) {
      return { reason: 'routing_decision.feedback_score: feedback needs a score or an outcome' };
    }
  }
  const ownId = messageUuid(queue, message);
  return {
    event: {
      // PostgreSQL writes them in lower case, and the two are compared.
      eventId: eventId?.toLowerCase() ?? ownId,
      decisionId: decision.decision_id?.toLowerCase() ?? ownId,
      attempt: decision.attempt,
      timestamp,
      instanceId,
      decision,
    },
  };
}

/** A UUID of version 8 (RFC 9562) from what identifies a message: its queue, its number, and when it was sent. */
function messageUuid(queue: string, message: QueueMessage): string {
  const bytes = createHash('sha256')
    .update(`${queue}\0${message.messageId}\0${message.enqueuedAt.toISOString()}`)
    .digest();
  bytes[6] = 0x80 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  const hex = bytes.toString('hex', 0, 16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
