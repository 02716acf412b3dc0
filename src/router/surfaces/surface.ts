import type {
  LanguageModelV3CallOptions,
  LanguageModelV3GenerateResult,
  LanguageModelV3StreamPart,
} from '@ai-sdk/provider';
import type { Capability } from '../../contracts/model.ts';
import type { ProviderPreferences } from '../../contracts/openai.ts';
import type { ErrorContent } from '../../platform/http/error-shapes.ts';
import type { SurfaceName } from '../../platform/providers/definitions.ts';
import type { Prompt } from '../classify/prompt.ts';
import type { TokenUsage } from '../predict/cost.ts';

/** What the router reads of a request, whatever its dialect. */
export interface RequestReading {
  model: string;
  stream: boolean;
  prompt: Prompt;
  /** Most output tokens that the client takes; null where it does not say. */
  maxOutputTokens: number | null;
  requiredCapabilities: readonly Capability[];
  /** Why only a provider that speaks this dialect itself can answer; null where a translation says the same. */
  nativeOnly: string | null;
  /** The conversation that the request belongs to, as the client names it; null where it names none. */
  sessionId: string | null;
  /** The answer that this one goes on from, which its provider has kept; null where the request stands for itself. */
  previousAnswerId: string | null;
  models: readonly string[] | null;
  provider: ProviderPreferences | null;
  maxCostUsd: number | null;
  /** In [0, 1], from quality to cost; null where the client does not say. */
  costQualityTradeoff: number | null;
}

/** What is known of a stream so far. One object for each stream, written by `readEvent` alone. */
export interface StreamReading {
  /** True from the first content token on: the point after which no other model can answer. */
  hasContent: boolean;
  /** True once the answer is complete. */
  isFinished: boolean;
  /** True once the event was read that ends the stream: nothing more is said of the answer. */
  hasEnded: boolean;
  /** The provider's content filter has ended the answer, or refused to begin it. */
  isFiltered: boolean;
  /** An event that cannot be read, or an error that the provider sent within the stream. */
  problem: 'malformed' | 'error' | null;
  /** Why the answer ended, in the provider's word for it; of several choices the last one to end. */
  finishReason: string | null;
  usage: TokenUsage | null;
  /** What the provider says that it charged, in USD; only some say so, and only some of them are to be believed. */
  reportedCostUsd: number | null;
  responseModel: string | null;
  /** Characters of content, for an estimate where the provider reports no usage. */
  contentCharacters: number;
  /** What the dialect reports in parts, kept until it is whole. */
  partialUsage: unknown;
  /** An id of the answer that later requests may refer to. */
  responseId: string | null;
}

/** What is known of a whole answer. */
export type AnswerReading = Pick<
  StreamReading,
  'isFiltered' | 'finishReason' | 'usage' | 'reportedCostUsd' | 'responseModel' | 'responseId'
>;

export function newStreamReading(): StreamReading {
  return {
    hasContent: false,
    isFinished: false,
    hasEnded: false,
    isFiltered: false,
    problem: null,
    finishReason: null,
    usage: null,
    reportedCostUsd: null,
    responseModel: null,
    contentCharacters: 0,
    partialUsage: null,
    responseId: null,
  };
}

/** A provider's word for why an answer ended; null for what is no single word. */
export function finishReasonOf(value: unknown): string | null {
  return typeof value === 'string' && /^\w{1,40}$/.test(value) ? value : null;
}

/** What an adapter needs beside the AI SDK's own options; it knows how its provider calls each of them. */
export interface TranslatedRequest {
  options: LanguageModelV3CallOptions;
  reasoning: { effort: string | null; budgetTokens: number | null } | null;
  /** False forbids more than one tool call at once; null leaves it to the provider. */
  parallelToolCalls: boolean | null;
  user: string | null;
  /** True where the schema of the answer is to be held to the letter. */
  strictSchema: boolean;
}

/** What is the same in all parts of one translated answer. */
export interface AnswerIdentity {
  /** A UUID; each dialect puts its own prefix before it. */
  id: string;
  /** Seconds since the epoch. */
  createdAt: number;
  model: string;
}

/** One of the dialects in which a client can ask for an answer. All functions are pure. */
export interface Surface {
  readonly name: SurfaceName;
  /** Below a provider's base URL. */
  readonly path: string;
  /** The body was validated by the schema of the surface. */
  read(body: Body): RequestReading;
  /** Of a whole answer. */
  readAnswer(document: Body): AnswerReading;
  /**
   * Reads the data of one event of a stream into `reading`. True when the event holds nothing but the usage, which the
   * client may not have asked for.
   */
  readEvent(data: string, reading: StreamReading): boolean;
  errorBody(error: ErrorContent): unknown;
  /** The event that ends a stream which cannot go on. */
  errorEvent(error: ErrorContent): Uint8Array;

  /** @throws SignalboxError `invalid_request` with the path of what no translation can express. */
  translate(body: Body): TranslatedRequest;
  toAnswer(result: LanguageModelV3GenerateResult, identity: AnswerIdentity, body: Body): Body;
  /** Throws what the stream reports as an error. */
  toEvents(
    parts: AsyncIterable<LanguageModelV3StreamPart>,
    identity: AnswerIdentity,
    body: Body,
  ): AsyncGenerator<Uint8Array>;
}

export type Body = Readonly<Record<string, unknown>>;

export function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
