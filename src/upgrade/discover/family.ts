import { withoutDate, withoutMaker } from '../../platform/providers/model-id.ts';

/** `4`, `4.5`, `v3.1`, and the `4o` of GPT-4o. */
const versionToken = /^v?\d+(\.\d+)*o?$/;
/** A name that carries its version: `llama3.2`, `qwen3`, `o4`, `k2.5`. */
const nameWithVersion = /^([a-z]+?)v?(\d+(?:\.\d+)*)$/;
const stageToken = /^(preview|exp|experimental|alpha|beta|latest)$/;

export interface ModelName {
  /** The id without maker, version, date and stage: models of one family follow each other. */
  family: string;
  /** The version's numbers, the greatest part first; empty when the id has none. */
  version: number[];
  /** The digits of the date at the end, as `20251101` or `1101`; null when there is none. */
  date: number | null;
}

/** `gpt-5.4-mini` → gpt-mini, 5.4 · `claude-3-5-sonnet-20241022` → claude-sonnet, 3.5 · `llama3.2:3b` → llama:3b, 3.2. */
export function parseModelName(modelId: string): ModelName {
  const id = withoutMaker(modelId.toLowerCase());
  const undated = withoutDate(id);
  const digits = id.slice(undated.length).replaceAll(/\D/g, '');
  const version: number[] = [];
  const family: string[] = [];
  for (const token of undated.split(/(?=[-:@])/)) {
    const separator = /^[-:@]/.test(token) ? token.charAt(0) : '';
    const word = token.slice(separator.length);
    const named = nameWithVersion.exec(word);
    if (versionToken.test(word)) version.push(...numbersOf(word));
    else if (named?.[1] !== undefined && named[2] !== undefined) {
      version.push(...numbersOf(named[2]));
      family.push(separator + named[1]);
    } else if (!stageToken.test(word)) family.push(token);
  }
  return { family: family.join(''), version, date: digits === '' ? null : Number(digits) };
}

function numbersOf(text: string): number[] {
  return (text.match(/\d+/g) ?? []).map(Number);
}

/** Negative when `a` is the older, positive when the newer, 0 when the names do not tell. Of one family only. */
export function compareAge(a: ModelName, b: ModelName): number {
  for (let index = 0; index < Math.max(a.version.length, b.version.length); index += 1) {
    const difference = (a.version[index] ?? 0) - (b.version[index] ?? 0);
    if (difference !== 0) return difference;
  }
  if (a.date === null || b.date === null || String(a.date).length !== String(b.date).length) return 0;
  return a.date - b.date;
}
