/** What of a text is the answer that models are compared by. */
export type Extraction =
  | { kind: 'text'; similarity: number }
  /** The last number; equal within the share `tolerance` of the greater one. */
  | { kind: 'number'; tolerance: number }
  /** One of these, as the text names it last. */
  | { kind: 'choice'; choices: readonly string[] }
  /** The first JSON value, or the field of it that the path of keys leads to. */
  | { kind: 'json'; path: readonly string[] };

/** An answer that can be compared with others. */
export type Answer =
  | { kind: 'exact'; key: string }
  | { kind: 'number'; value: number }
  | { kind: 'text'; key: string; shingles: ReadonlySet<string> };

/** The answer in a text; null where it holds none: it is empty, refuses, or lacks what is looked for. */
export function extractAnswer(text: string, extraction: Extraction): Answer | null {
  const trimmed = text.trim();
  if (trimmed === '' || isRefusal(trimmed)) return null;
  switch (extraction.kind) {
    case 'text': {
      const key = normalise(trimmed);
      return { kind: 'text', key, shingles: shinglesOf(key) };
    }
    case 'number': {
      const value = lastNumber(trimmed);
      return value === null ? null : { kind: 'number', value };
    }
    case 'choice': {
      const key = lastChoice(trimmed, extraction.choices);
      return key === null ? null : { kind: 'exact', key };
    }
    case 'json': {
      const found = firstJson(trimmed);
      const value = found === undefined ? undefined : followPath(found.value, extraction.path);
      return value === undefined ? null : { kind: 'exact', key: canonicalJson(value) };
    }
  }
}

/** Whether two answers of one extraction say the same. Symmetric; for numbers and texts not transitive. */
export function isSameAnswer(a: Answer, b: Answer, extraction: Extraction): boolean {
  if (a.kind === 'number' && b.kind === 'number') {
    const tolerance = extraction.kind === 'number' ? extraction.tolerance : 0;
    return Math.abs(a.value - b.value) <= tolerance * Math.max(Math.abs(a.value), Math.abs(b.value));
  }
  if (a.kind === 'text' && b.kind === 'text') {
    const similarity = extraction.kind === 'text' ? extraction.similarity : 1;
    return a.key === b.key || jaccard(a.shingles, b.shingles) >= similarity;
  }
  return a.kind === 'exact' && b.kind === 'exact' && a.key === b.key;
}

/** Compatibility forms, case and space folded; never cut. */
export function normalise(text: string): string {
  const folded = text.normalize('NFKC').toLowerCase().replaceAll(/\s+/gu, ' ');
  let start = 0;
  let end = folded.length;
  // By hand, because a pattern for the end is tried at every place where such marks stand.
  while (start < end && atTheEnds.has(folded.charAt(start))) start += 1;
  while (end > start && atTheEnds.has(folded.charAt(end - 1))) end -= 1;
  return folded.slice(start, end);
}

/** Marks that say nothing before and after an answer. */
const atTheEnds: ReadonlySet<string> = new Set(' "\'`*_.,;:!?()[]');

/** Object keys in order, at every depth; numbers as JavaScript writes them. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(',')}}`;
  }
  return typeof value === 'string' ? JSON.stringify(normalise(value)) : JSON.stringify(value);
}

const refusal =
  /^(?:i['’]?m sorry\b|sorry,|i (?:can(?:not|['’]t)|am (?:unable|not able)|won['’]t)\b|as an ai\b|unfortunately, i (?:can(?:not|['’]t)|am unable))/i;

/** Only at the beginning: an answer may quote a refusal. */
export function isRefusal(text: string): boolean {
  return refusal.test(text.trimStart());
}

/** The last number of a text. */
export function lastNumber(text: string): number | null {
  const found = [...text.matchAll(/(?:(?<![\p{L}\p{N}])[-−])?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?/giu)].at(-1)?.[0];
  if (found === undefined) return null;
  const value = Number(found.replace('−', '-').replaceAll(',', ''));
  return Number.isFinite(value) ? value : null;
}

function lastChoice(text: string, choices: readonly string[]): string | null {
  const haystack = ` ${normalise(text).replaceAll(/[^\p{L}\p{N}]+/gu, ' ')} `;
  let best: { choice: string; end: number; length: number } | null = null;
  for (const choice of choices) {
    const needle = ` ${normalise(choice).replaceAll(/[^\p{L}\p{N}]+/gu, ' ')} `;
    const at = haystack.lastIndexOf(needle);
    if (at === -1) continue;
    const end = at + needle.length;
    // Of choices that end at one place the longest is meant: `not a` is no `a`.
    if (best === null || end > best.end || (end === best.end && needle.length > best.length)) {
      best = { choice, end, length: needle.length };
    }
  }
  return best?.choice ?? null;
}

/** The first JSON value of a text, which may stand in a code fence or between words. */
export function firstJson(text: string): { value: unknown } | undefined {
  for (const candidate of [text, fenced(text), outermost(text, '{', '}'), outermost(text, '[', ']')]) {
    if (candidate === undefined) continue;
    try {
      return { value: JSON.parse(candidate) as unknown };
    } catch {
      continue;
    }
  }
  return undefined;
}

/** What stands in the first code fence; undefined where there is none. */
function fenced(text: string): string | undefined {
  const start = text.indexOf('```');
  const end = start === -1 ? -1 : text.indexOf('```', start + 3);
  if (end === -1) return undefined;
  const inside = text.slice(start + 3, end);
  return inside.toLowerCase().startsWith('json') ? inside.slice(4) : inside;
}

function outermost(text: string, open: string, close: string): string | undefined {
  const start = text.indexOf(open);
  const end = text.lastIndexOf(close);
  return start === -1 || end < start ? undefined : text.slice(start, end + 1);
}

function followPath(value: unknown, path: readonly string[]): unknown {
  let current = value;
  for (const key of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, key)) return undefined;
    current = (current as Record<string, unknown>)[key];
  }
  return current;
}

/** Sets of neighbouring words, by which texts are alike that say the same in the same words. */
function shinglesOf(key: string): Set<string> {
  const words = key.match(/[\p{L}\p{N}]+/gu) ?? [];
  if (words.length < 2) return new Set(words);
  return new Set(words.slice(1).map((word, index) => `${words[index]} ${word}`));
}

function jaccard(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  if (a.size === 0 || b.size === 0) return 0;
  let common = 0;
  for (const shingle of a) if (b.has(shingle)) common += 1;
  return common / (a.size + b.size - common);
}
