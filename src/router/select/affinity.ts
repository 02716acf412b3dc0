import type { Conversation } from './policy.ts';

/** Which model each conversation is with, and how much of it that model's provider should still have in its cache. */
export interface Affinity {
  find(conversationId: string, nowMs: number): Conversation | null;
  /** The id under which a conversation began; the one given where nothing is known of it. */
  firstIdOf(conversationId: string, nowMs: number): string;
  /** A model answered the conversation, whose prompt had so many tokens. `firstId`: where it began under another one. */
  note(conversationId: string, modelKey: string, inputTokens: number, nowMs: number, firstId?: string): void;
}

interface Entry {
  modelKey: string;
  inputTokens: number;
  atMs: number;
  firstId: string;
}

/** Providers keep a prompt for five to ten minutes after its last use; the shortest of them counts. */
const cacheLifetimeMs = 300_000;
/** After an hour a conversation is begun anew. */
const conversationLifetimeMs = 3_600_000;

/** Remembers at most `size` conversations, each of two generations at least half of them. Time is an argument. */
export function createAffinity(size: number): Affinity {
  const generationSize = Math.ceil(size / 2);
  let young = new Map<string, Entry>();
  let old = new Map<string, Entry>();

  function entryOf(conversationId: string, nowMs: number): Entry | null {
    const entry = young.get(conversationId) ?? old.get(conversationId);
    return entry === undefined || nowMs - entry.atMs > conversationLifetimeMs ? null : entry;
  }

  return {
    find(conversationId, nowMs) {
      const entry = entryOf(conversationId, nowMs);
      if (entry === null) return null;
      const isCached = nowMs - entry.atMs <= cacheLifetimeMs;
      return { modelKey: entry.modelKey, cachedInputTokens: isCached ? entry.inputTokens : 0 };
    },
    firstIdOf: (conversationId, nowMs) => entryOf(conversationId, nowMs)?.firstId ?? conversationId,
    note(conversationId, modelKey, inputTokens, nowMs, firstId) {
      const first = firstId ?? entryOf(conversationId, nowMs)?.firstId ?? conversationId;
      if (young.size >= generationSize && !young.has(conversationId)) {
        old = young;
        young = new Map();
      }
      young.set(conversationId, { modelKey, inputTokens, atMs: nowMs, firstId: first });
    },
  };
}
