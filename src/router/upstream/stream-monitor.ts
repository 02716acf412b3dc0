import { createParser, type EventSourceMessage } from 'eventsource-parser';
import type { TokenUsage } from '../predict/cost.ts';
import { usageFrom } from './usage.ts';

/** Watches the bytes of an OpenAI stream as they pass and changes none of them. */
export interface StreamMonitor {
  feed(bytes: Uint8Array): void;
  /** True from the first content token on: the point after which no other model can answer. */
  readonly hasContent: boolean;
  /** True once the answer is complete: a finish reason or `[DONE]` was seen. */
  readonly isFinished: boolean;
  /** An event that is not JSON, or an error that the provider sent within the stream. */
  readonly problem: StreamProblem | null;
  readonly usage: TokenUsage | null;
  readonly responseModel: string | null;
  /** Characters of content, for an estimate where the provider reports no usage. */
  readonly contentCharacters: number;
}

export type StreamProblem = { kind: 'malformed' } | { kind: 'error'; code: string | null };

/** Longest event that is looked into; a provider that never ends one must not fill the memory. */
const maxEventCharacters = 64 * 1024 * 1024;

/** Text fields of a delta that count as content. */
const textFields = ['content', 'reasoning_content', 'reasoning', 'refusal'] as const;

export function createStreamMonitor(): StreamMonitor {
  const decoder = new TextDecoder();
  let hasContent = false;
  let isFinished = false;
  let problem: StreamProblem | null = null;
  let usage: TokenUsage | null = null;
  let responseModel: string | null = null;
  let contentCharacters = 0;

  function onEvent({ data }: EventSourceMessage): void {
    if (data === '[DONE]') {
      isFinished = true;
      return;
    }
    const chunk = parseObject(data);
    if (chunk === null) {
      problem ??= { kind: 'malformed' };
      return;
    }
    if (chunk['error'] !== undefined && chunk['error'] !== null) {
      const { code } = chunk['error'] as { code?: unknown };
      problem ??= { kind: 'error', code: typeof code === 'string' ? code : null };
      return;
    }
    if (responseModel === null && typeof chunk['model'] === 'string') responseModel = chunk['model'];
    usage = usageFrom(chunk['usage']) ?? usage;
    if (Array.isArray(chunk['choices'])) chunk['choices'].forEach(onChoice);
  }

  function onChoice(choice: unknown): void {
    if (typeof choice !== 'object' || choice === null) return;
    const { delta, finish_reason: finishReason } = choice as {
      delta?: Record<string, unknown>;
      finish_reason?: unknown;
    };
    if (typeof finishReason === 'string') isFinished = true;
    if (typeof delta !== 'object' || delta === null) return;
    for (const field of textFields) {
      const text = delta[field];
      if (typeof text !== 'string' || text === '') continue;
      hasContent = true;
      contentCharacters += text.length;
    }
    if (Array.isArray(delta['tool_calls']) && delta['tool_calls'].length > 0) {
      hasContent = true;
      contentCharacters += JSON.stringify(delta['tool_calls']).length;
    }
    if (typeof delta['audio'] === 'object' && delta['audio'] !== null) hasContent = true;
  }

  const parser = createParser({
    onEvent,
    maxBufferSize: maxEventCharacters,
    onError({ type }) {
      // Fields that a reader does not know are to be ignored, as the standard of event streams says.
      if (type === 'max-buffer-size-exceeded') problem ??= { kind: 'malformed' };
    },
  });

  return {
    feed: (bytes) => parser.feed(decoder.decode(bytes, { stream: true })),
    get hasContent() {
      return hasContent;
    },
    get isFinished() {
      return isFinished;
    },
    get problem() {
      return problem;
    },
    get usage() {
      return usage;
    },
    get responseModel() {
      return responseModel;
    },
    get contentCharacters() {
      return contentCharacters;
    },
  };
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
