import type { JsonSchema } from './schema-value.ts';

export interface Tool {
  name: string;
  description: string;
  parameters: JsonSchema;
}

export type ToolChoice = { mode: 'auto' | 'none' | 'required' } | { mode: 'named'; name: string };

/** A part of the prompt at whose end a provider may cut for its prompt cache. */
export interface PromptSegment {
  text: string;
  tokens: number;
  cacheBreakpoint: boolean;
}

/** A request for text as every dialect means it. */
export interface GenerationRequest {
  model: string;
  /** The text of the last message of the user. */
  prompt: string;
  /** The whole prompt in order: tools, system, messages. */
  segments: PromptSegment[];
  images: number;
  tools: Tool[];
  toolChoice: ToolChoice;
  parallelTools: boolean;
  /** What the tools answered, if that is what the conversation ends with. */
  toolResult: string | undefined;
  /** `json` without a schema means any JSON object. */
  format: { type: 'text' } | { type: 'json'; schema: JsonSchema | undefined };
  maxTokens: number | undefined;
  stop: string[];
  /** How many answers are asked for. */
  count: number;
}

/** The text under which prompts are compared: one space between words, no letter case. */
export function normalisePrompt(text: string): string {
  return text.normalize('NFKC').trim().replace(/\s+/g, ' ').toLowerCase();
}
