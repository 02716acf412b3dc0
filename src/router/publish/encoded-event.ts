import { type Outcome, outcomeSchema, type RoutingEvent } from '../../contracts/event.ts';

/** An event as it is sent and stored: made JSON once. Beside it what the publisher itself reads of an event. */
export interface EncodedEvent {
  eventId: string | null;
  outcome: Outcome;
  json: string;
}

/** Events of a file, oldest first, and how many of its lines were none. */
export interface DecodedEvents {
  events: EncodedEvent[];
  tornLines: number;
}

export function encodeEvent(event: RoutingEvent): EncodedEvent {
  return {
    eventId: event.event_id ?? null,
    outcome: event.routing_decision.outcome,
    json: JSON.stringify(event),
  };
}

/** In a file each event is a line. */
export function toLine({ json }: EncodedEvent): string {
  return `${json}\n`;
}

/** Takes every whole event, wherever the file was cut off: a process that is killed leaves part of a line at its end. */
export function decodeEvents(content: Buffer): DecodedEvents {
  const lines = content.toString().split('\n');
  if (lines.at(-1) === '') lines.pop();
  const events = lines.map(decodeLine).filter((event) => event !== undefined);
  return { events, tornLines: lines.length - events.length };
}

/** Whether an event can be counted is central's to say. */
function decodeLine(json: string): EncodedEvent | undefined {
  const value = parse(json);
  const decision = isRecord(value) ? value['routing_decision'] : undefined;
  if (!isRecord(value) || !isRecord(decision)) return undefined;
  const { data: outcome } = outcomeSchema.safeParse(decision['outcome']);
  if (outcome === undefined) return undefined;
  const eventId = value['event_id'];
  return { eventId: typeof eventId === 'string' ? eventId : null, outcome, json };
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
