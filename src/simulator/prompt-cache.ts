import { createHash } from 'node:crypto';
import { createBoundedMap } from './bounded-map.ts';
import type { PromptSegment } from './generate/request.ts';

/** Shorter prefixes are not cached, as with the real providers. */
const minCachedTokens = 1024;
const maxPrefixes = 10_000;

export interface PromptCacheUse {
  /** Tokens of the longest prefix that an earlier request had too. */
  readTokens: number;
  /** Tokens from there to the last breakpoint: written now, for later requests. */
  writtenTokens: number;
}

/** Remembers the prefixes of prompts, by hash, per model. */
export interface PromptCache {
  use(model: string, segments: readonly PromptSegment[]): PromptCacheUse;
  clear(): void;
}

export function createPromptCache(): PromptCache {
  const seen = createBoundedMap<string, true>(maxPrefixes);

  return {
    use(model, segments) {
      const hash = createHash('sha256').update(model);
      let tokens = 0;
      let readTokens = 0;
      let lastBreakpoint = 0;
      for (const segment of segments) {
        hash.update(`\n${segment.text.length}\n`).update(segment.text);
        tokens += segment.tokens;
        if (!segment.cacheBreakpoint || tokens < minCachedTokens) continue;
        const key = hash.copy().digest('base64');
        if (seen.get(key) === true) readTokens = tokens;
        seen.set(key, true);
        lastBreakpoint = tokens;
      }
      return { readTokens, writtenTokens: lastBreakpoint - readTokens };
    },
    clear: () => seen.clear(),
  };
}
