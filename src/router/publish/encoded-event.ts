import { type Outcome, outcomeSchema, type RoutingEvent } from '../../contracts/event.ts';

/** An event as it is sent and stored: made JSON once. Beside it what the publisher itself reads of an event. */
export interface EncodedEvent {
  eventId: string | null;
  outcome: Outcome;
  /** Its JSON and a line feed, as it stands in a file. */
  line: Buffer;
}

/** Events of a file, oldest first, and how many of its lines were none. */
export interface DecodedEvents {
  events: EncodedEvent[];
  tornLines: number;
}

const lineFeed = 0x0a;

export function encodeEvent(event: RoutingEvent): EncodedEvent {
  return {
    eventId: event.event_id ?? null,
    outcome: event.routing_decision.outcome,
    line: Buffer.from(`${JSON.stringify(event)}\n`),
  };
}

/** Takes every whole event, wherever the file was cut off: a process that is killed leaves part of a line at its end. */
export function decodeEvents(content: Buffer): DecodedEvents {
  const events: EncodedEvent[] = [];
  let tornLines = 0;
  for (let start = 0; start < content.length;) {
    const lineFeedAt = content.indexOf(lineFeed, start);
    const end = lineFeedAt === -1 ? content.length : lineFeedAt + 1;
    const event = decodeLine(content.subarray(start, end));
    if (event === undefined) tornLines += 1;
    else events.push(event);
    start = end;
  }
  return { events, tornLines };
}

/** Whether an event can be counted is central's to say. */
function decodeLine(line: Buffer): EncodedEvent | undefined {
  const value = parse(line.toString());
  const decision = isRecord(value) ? value['routing_decision'] : undefined;
  if (!isRecord(value) || !isRecord(decision)) return undefined;
  const { data: outcome } = outcomeSchema.safeParse(decision['outcome']);
  if (outcome === undefined) return undefined;
  const eventId = value['event_id'];
  const isWhole = line.at(-1) === lineFeed;
  return {
    eventId: typeof eventId === 'string' ? eventId : null,
    outcome,
    line: isWhole ? line : Buffer.concat([line, Buffer.of(lineFeed)]),
  };
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
