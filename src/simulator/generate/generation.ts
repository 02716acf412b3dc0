import type { Random } from '../../statistics/random.ts';
import type { ModelProfile } from '../profile.ts';
import { writeAnswer } from './answer.ts';
import type { GenerationRequest } from './request.ts';
import { valueForSchema } from './schema-value.ts';
import { splitTokens } from './tokens.ts';
import { chooseToolCalls } from './tool-call.ts';

export type Block =
  { type: 'text'; tokens: string[] } | { type: 'tool'; id: string; name: string; /** Of the JSON. */ tokens: string[] };

/** What a model says, in the pieces in which it is streamed. */
export interface Generation {
  blocks: Block[];
  finish: 'stop' | 'stop_sequence' | 'length' | 'tool';
  /** The stop sequence that ended the text. */
  stopSequence: string | null;
  outputTokens: number;
}

const idLetters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

/** An identifier as providers make them: 24 letters and digits. */
export function createIdentifier(random: Random): string {
  return Array.from({ length: 24 }, () => idLetters.charAt(random.int(idLetters.length))).join('');
}

function answerText(request: GenerationRequest, profile: ModelProfile, recorded: string | undefined, random: Random) {
  const written = recorded ?? writeAnswer(request.prompt, profile, random);
  const text =
    request.toolResult === undefined
      ? written
      : `According to the tool: ${request.toolResult.slice(0, 400)}. ${written}`;
  if (request.format.type === 'text') return text;
  if (request.format.schema === undefined) return JSON.stringify({ answer: text });
  const hints = { answer: text, properNames: [], words: new Set<string>() };
  return JSON.stringify(valueForSchema(request.format.schema, hints, random));
}

/** Cuts the text before the earliest stop sequence. */
function cutAtStop(text: string, stops: readonly string[]): { text: string; stopSequence: string | null } {
  let cut = { text, stopSequence: null as string | null };
  for (const stop of stops) {
    const at = text.indexOf(stop);
    if (stop !== '' && at !== -1 && at < cut.text.length) cut = { text: text.slice(0, at), stopSequence: stop };
  }
  return cut;
}

/** Keeps the first `limit` tokens over all blocks; a block of which nothing is left goes. */
function limitTokens(blocks: readonly Block[], limit: number): Block[] {
  const kept: Block[] = [];
  let left = limit;
  for (const block of blocks) {
    if (left <= 0) break;
    kept.push({ ...block, tokens: block.tokens.slice(0, left) });
    left -= block.tokens.length;
  }
  return kept;
}

function countBlockTokens(blocks: readonly Block[]): number {
  return blocks.reduce((sum, block) => sum + block.tokens.length, 0);
}

/**
 * One answer to the request: tool calls if the request asks for them, else text. `recorded` replaces the generated
 * text. Equal arguments with an equally seeded `random` give an equal answer.
 */
export function generate(
  request: GenerationRequest,
  profile: ModelProfile,
  random: Random,
  recorded?: string,
): Generation {
  const calls = chooseToolCalls(request, random);
  let blocks: Block[];
  let finish: Generation['finish'];
  let stopSequence: string | null = null;
  if (calls.length > 0) {
    blocks = calls.map(({ name, argumentsJson }) => ({
      type: 'tool',
      id: createIdentifier(random),
      name,
      tokens: splitTokens(argumentsJson),
    }));
    finish = 'tool';
  } else {
    const cut = cutAtStop(answerText(request, profile, recorded, random), request.stop);
    blocks = [{ type: 'text', tokens: splitTokens(cut.text) }];
    stopSequence = cut.stopSequence;
    finish = stopSequence === null ? 'stop' : 'stop_sequence';
  }
  const limit = Math.min(request.maxTokens ?? Infinity, profile.max_output_tokens);
  if (countBlockTokens(blocks) > limit) {
    blocks = limitTokens(blocks, limit);
    finish = 'length';
    stopSequence = null;
  }
  return { blocks, finish, stopSequence, outputTokens: countBlockTokens(blocks) };
}
