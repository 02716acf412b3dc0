/** Fields of a message by their number, in the order in which they came. */
export type Message = Map<number, Field[]>;
type Field = bigint | Buffer;

/** Reads the wire format of Protocol Buffers, without knowing what the fields mean. */
export function decodeMessage(bytes: Buffer): Message {
  const message: Message = new Map();
  let at = 0;
  function varint(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = BigInt(bytes.readUInt8(at));
      at += 1;
      value |= (byte & 127n) << shift;
      if (byte < 128n) return value;
    }
  }
  function slice(length: number): Buffer {
    at += length;
    return bytes.subarray(at - length, at);
  }
  while (at < bytes.length) {
    const tag = Number(varint());
    const kind = tag & 7;
    const value = kind === 0 ? varint() : slice(kind === 1 ? 8 : kind === 5 ? 4 : Number(varint()));
    const field = tag >> 3;
    message.set(field, [...(message.get(field) ?? []), value]);
  }
  return message;
}

/** A field's first value as bytes; empty where it is missing. */
export function bytesOf(message: Message, field: number): Buffer {
  const [value] = message.get(field) ?? [];
  return Buffer.isBuffer(value) ? value : Buffer.alloc(0);
}

export function textOf(message: Message, field: number): string {
  return bytesOf(message, field).toString('utf8');
}

/** Of a field that is an enumeration or a small number; 0 where it is missing. */
export function numberOf(message: Message, field: number): number {
  const [value] = message.get(field) ?? [];
  return typeof value === 'bigint' ? Number(BigInt.asIntN(64, value)) : 0;
}

/** The messages of a field. */
export function messagesOf(message: Message, field: number): Message[] {
  return (message.get(field) ?? []).flatMap((value) => (Buffer.isBuffer(value) ? [decodeMessage(value)] : []));
}
