import { createHash } from 'node:crypto';
import { z } from 'zod';
import { decisionsQueue, type RoutingDecision, routingEventSchema } from '../../contracts/event.ts';
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
  /** The message that holds the explanation of the decision; null where there is none. */
  explainedBy: string | null;
}

/** What is known of a message besides its event. */
export interface Delivery {
  /** How often it was replayed. */
  replays: number;
  /** The id of the event where it gives none itself: the same whenever the message is read, also after a replay. */
  ownId(): string;
}

/** Whether it compares a copy of a request with what its user got, instead of saying how an attempt ended. */
export function isPair({ decision }: Pick<DecisionEvent, 'decision'>): boolean {
  return decision.rollout?.pair !== undefined;
}

/** Whether it says what the race of a lane came to, instead of how an attempt ended. */
export function isVerdict({ decision }: Pick<DecisionEvent, 'decision'>): boolean {
  return decision.race?.verdict !== undefined;
}

/** Whether it judges an attempt that has ended: it is feedback, or a verdict that is a label of quality. */
export function isFeedback(event: Pick<DecisionEvent, 'decision'>): boolean {
  const { decision } = event;
  return isVerdict(event) ? (decision.feedback_score ?? null) !== null : decision.origin === 'feedback';
}

export type ParsedMessage = Delivery & ({ event: DecisionEvent } | { reason: string });

const replaySchema = z.object({
  replay: z.object({ event_id: z.uuid().nullish(), replays: z.int().min(1).max(1_000_000) }),
  message: z.unknown(),
});

/**
 * Reads a message of the decisions queue. An instance that speaks only the seed's JSON gives no ids: its event gets one
 * that follows from the message, so that a second read of the same message is the same event of the same decision.
 */
export function parseMessage(message: QueueMessage): ParsedMessage {
  const replayed = isReplay(message.message) ? replaySchema.safeParse(message.message).data : undefined;
  const delivery = {
    replays: replayed?.replay.replays ?? 0,
    ownId: () => replayed?.replay.event_id ?? messageUuid(message),
  };
  return { ...delivery, ...parseEvent(replayed === undefined ? message.message : replayed.message, message, delivery) };
}

/** A look that spares most messages the schema. */
function isReplay(content: unknown): boolean {
  return typeof content === 'object' && content !== null && 'replay' in content;
}

function parseEvent(
  content: unknown,
  { messageId }: QueueMessage,
  { ownId }: Delivery,
): { event: DecisionEvent } | { reason: string } {
  const parsed = routingEventSchema.safeParse(content);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return { reason: `${issue?.path.join('.') || 'message'}: ${issue?.message ?? 'invalid'}` };
  }
  const { event_id: eventId, timestamp, instance_id: instanceId, routing_decision: decision } = parsed.data;
  if (isPair({ decision })) {
    if (decision.decision_id === undefined) return { reason: 'routing_decision.decision_id: a copy needs one' };
    if (decision.rollout?.arm !== 'shadow' || decision.origin !== 'shadow' || decision.race !== undefined) {
      return { reason: 'routing_decision.rollout.pair: only copies are compared in pairs' };
    }
  } else if (isVerdict({ decision })) {
    if (decision.decision_id === undefined) {
      return { reason: 'routing_decision.decision_id: the verdict of a race needs one' };
    }
  } else if (decision.origin === 'feedback') {
    if (decision.decision_id === undefined) return { reason: 'routing_decision.decision_id: feedback needs one' };
    if (decision.outcome === 'routed' && (decision.feedback_score ?? null) === null) {
      return { reason: 'routing_decision.feedback_score: feedback needs a score or an outcome' };
    }
  }
  return {
    event: {
      // PostgreSQL writes them in lower case, and the two are compared.
      eventId: eventId?.toLowerCase() ?? ownId(),
      decisionId: decision.decision_id?.toLowerCase() ?? ownId(),
      attempt: decision.attempt,
      timestamp,
      instanceId,
      decision,
      explainedBy: decision.explanation == null ? null : messageId,
    },
  };
}

/** A UUID of version 8 (RFC 9562) from what identifies a message: its queue, its number, and when it was sent. */
function messageUuid(message: QueueMessage): string {
  const bytes = createHash('sha256')
    .update(`${decisionsQueue}\0${message.messageId}\0${message.enqueuedAt.toISOString()}`)
    .digest();
  bytes[6] = 0x80 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  const hex = bytes.toString('hex', 0, 16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
