import { outcomeSchema, type RoutingEvent } from '../../contracts/event.ts';

/** Events of a file, oldest first, and how many of its lines were none. */
export interface DecodedEvents {
  events: RoutingEvent[];
  tornLines: number;
}

/** One line of JSON for each event. */
export function encodeEvent(event: RoutingEvent): Buffer {
  return Buffer.from(`${JSON.stringify(event)}\n`);
}

/** Takes every whole event, wherever the file was cut off: a process that is killed leaves part of a line at its end. */
export function decodeEvents(content: Buffer): DecodedEvents {
  const lines = content.toString().split('\n');
  if (lines.at(-1) === '') lines.pop();
  const events = lines.map(decodeLine).filter((event) => event !== undefined);
  return { events, tornLines: lines.length - events.length };
}

function decodeLine(line: string): RoutingEvent | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isEvent(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Only what the publisher itself reads of an event; whether it can be counted is central's to say. */
function isEvent(value: unknown): value is RoutingEvent {
  const decision = isRecord(value) ? value['routing_decision'] : undefined;
  return isRecord(decision) && outcomeSchema.safeParse(decision['outcome']).success;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
