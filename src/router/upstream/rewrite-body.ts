const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const space = 0x20;

/** One member of a JSON object: where it and its value lie in the text. */
interface Member {
  name: string;
  start: number;
  valueStart: number;
  end: number;
}

/**
 * The JSON object in `bytes` with some of its own members changed and all others byte for byte as they are, so that
 * numbers of any size and the order of keys survive. `changes` holds JSON texts, or null for a member to leave out; one
 * that the object lacks is added at its end. The bytes must be valid JSON. Linear, and quick over long strings.
 */
export function rewriteBody(bytes: Buffer, changes: ReadonlyMap<string, string | null>): Buffer {
  const pieces: Uint8Array[] = [Buffer.from('{')];
  const written = new Set<string>();
  const add = (...parts: Uint8Array[]): void => {
    if (pieces.length > 1) pieces.push(Buffer.from(','));
    pieces.push(...parts);
  };
  for (const { name, start, valueStart, end } of membersOf(bytes)) {
    const change = changes.get(name);
    if (change === null) continue;
    if (change === undefined) add(bytes.subarray(start, end));
    else {
      written.add(name);
      add(bytes.subarray(start, valueStart), Buffer.from(change));
    }
  }
  for (const [name, change] of changes) {
    if (change !== null && !written.has(name)) add(Buffer.from(`${JSON.stringify(name)}:${change}`));
  }
  pieces.push(Buffer.from('}'));
  return Buffer.concat(pieces);
}

function membersOf(bytes: Buffer): Member[] {
  const members: Member[] = [];
  let at = skipSpace(bytes, bytes.indexOf(openBrace) + 1);
  while (bytes[at] === quote) {
    const start = at;
    at = endOfString(bytes, at);
    const key = bytes.toString('utf8', start, at);
    const name = key.includes('\\') ? (JSON.parse(key) as string) : key.slice(1, -1);
    const valueStart = skipSpace(bytes, skipPast(bytes, at, colon));
    const end = endOfValue(bytes, valueStart);
    members.push({ name, start, valueStart, end });
    at = skipSpace(bytes, skipPast(bytes, end, comma));
  }
  return members;
}

function skipSpace(bytes: Buffer, from: number): number {
  let at = from;
  while ((bytes[at] ?? Infinity) <= space) at += 1;
  return at;
}

/** Past this character where it is the next one. */
function skipPast(bytes: Buffer, from: number, character: number): number {
  const at = skipSpace(bytes, from);
  return bytes[at] === character ? at + 1 : at;
}

/** Past the quote that ends the string which begins at `start`. */
function endOfString(bytes: Buffer, start: number): number {
  for (let end = bytes.indexOf(quote, start + 1); end !== -1; end = bytes.indexOf(quote, end + 1)) {
    let backslashes = 0;
    while (bytes[end - 1 - backslashes] === backslash) backslashes += 1;
    if (backslashes % 2 === 0) return end + 1;
  }
  return bytes.length;
}

function endOfValue(bytes: Buffer, start: number): number {
  const first = bytes[start];
  if (first === quote) return endOfString(bytes, start);
  if (first !== openBrace && first !== openBracket) {
    let at = start;
    while (at < bytes.length && !isEndOfLiteral(bytes[at])) at += 1;
    return at;
  }
  let depth = 0;
  for (let at = start; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === quote) at = endOfString(bytes, at) - 1;
    else if (byte === openBrace || byte === openBracket) depth += 1;
    else if (byte === closeBrace || byte === closeBracket) {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return bytes.length;
}

function isEndOfLiteral(byte: number | undefined): boolean {
  return byte === undefined || byte <= space || byte === comma || byte === closeBrace || byte === closeBracket;
}
