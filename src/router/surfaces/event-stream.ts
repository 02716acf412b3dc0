/** One server-sent event, as it came and as it is read. */
export interface StreamEvent {
  /** All its bytes, the blank line at its end included. */
  bytes: Uint8Array;
  /** The lines of its data, joined; null where it has none, as a comment that keeps the connection alive. */
  data: string | null;
}

/** Cuts a byte stream into its events and changes no byte: all `bytes` and then `rest()` are the stream again. */
export interface EventSplitter {
  /** The events that this chunk completes. */
  push(chunk: Uint8Array): StreamEvent[];
  /** The bytes of an event that is not complete yet. */
  rest(): Uint8Array;
}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const nothing = Buffer.alloc(0);

/**
 * Lines may end with LF, CR or CRLF, as the standard of event streams allows (WHATWG HTML, 9.2.5).
 *
 * @throws RangeError for an event longer than `maxEventBytes`: a provider that never ends one must not fill the memory.
 */
export function createEventSplitter(maxEventBytes = 64 * 1024 * 1024): EventSplitter {
  let pending: Buffer = nothing;
  // Grows by doubling, so that a long event in many chunks is copied few times; `pending` is its beginning.
  let store: Buffer = nothing;
  // Where in `pending` the line begins whose end was not found yet, and where the search goes on.
  let lineStart = 0;
  let searchFrom = 0;
  // The last byte was a CR that ended a line: an LF that follows belongs to it.
  let afterCarriageReturn = false;

  function append(next: Buffer): Buffer {
    if (pending.length === 0) return next;
    const length = pending.length + next.length;
    if (length > store.length) {
      store = Buffer.allocUnsafe(2 * length);
      pending.copy(store);
    }
    next.copy(store, pending.length);
    return store.subarray(0, length);
  }

  return {
    push(chunk) {
      const next = asBuffer(chunk);
      const buffer = append(next);
      const events: StreamEvent[] = [];
      const hasCarriageReturn = next.includes(carriageReturn);
      let eventStart = 0;
      let at = searchFrom;
      if (afterCarriageReturn && at < buffer.length) {
        afterCarriageReturn = false;
        if (buffer[at] === lineFeed) {
          at += 1;
          lineStart = at;
        }
      }
      for (;;) {
        const end = hasCarriageReturn ? endOfLine(buffer, at) : buffer.indexOf(lineFeed, at);
        if (end === -1) break;
        const isBlank = end === lineStart;
        at = end + 1;
        if (buffer[end] === carriageReturn) {
          if (at === buffer.length) afterCarriageReturn = true;
          else if (buffer[at] === lineFeed) at += 1;
        }
        lineStart = at;
        if (!isBlank) continue;
        const bytes = buffer.subarray(eventStart, at);
        events.push({ bytes, data: dataOf(bytes) });
        eventStart = at;
      }
      pending = eventStart === buffer.length ? nothing : buffer.subarray(eventStart);
      // What was handed out must not be written over.
      if (eventStart > 0) store = nothing;
      lineStart -= eventStart;
      searchFrom = pending.length;
      if (pending.length > maxEventBytes) throw new RangeError(`an event is longer than ${maxEventBytes} bytes`);
      return events;
    },
    rest: () => pending,
  };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function endOfLine(buffer: Buffer, from: number): number {
  for (let index = from; index < buffer.length; index += 1) {
    const byte = buffer[index];
    if (byte === lineFeed || byte === carriageReturn) return index;
  }
  return -1;
}

const lineEnds = /\r\n|\n|\r/;
const dataField = 'data:';

function dataOf(bytes: Buffer): string | null {
  const text = bytes.toString('utf8');
  // Nearly every event of a stream of chat completions is this one line.
  if (text.startsWith(dataField) && text.indexOf('\n') === text.length - 2 && !text.includes('\r')) {
    return text.slice(text.charCodeAt(dataField.length) === 0x20 ? 6 : 5, -2);
  }
  const values: string[] = [];
  for (const line of text.replace(/^\ufeff/, '').split(lineEnds)) {
    if (line.startsWith(dataField)) values.push(line.slice(line.startsWith('data: ') ? 6 : 5));
    else if (line === 'data') values.push('');
  }
  return values.length === 0 ? null : values.join('\n');
}

const encoder = new TextEncoder();

/** An event with this value as its data, under a name where the dialect gives its events names. */
export function encodeEvent(value: unknown, name?: string): Uint8Array {
  const data = typeof value === 'string' ? value : JSON.stringify(value);
  return encoder.encode(name === undefined ? `data: ${data}\n\n` : `event: ${name}\ndata: ${data}\n\n`);
}
