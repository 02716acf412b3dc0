import type { Prompt } from '../classify/prompt.ts';

/** Characters that one token stands for on average; exact only for the provider's own tokeniser. */
const charactersPerToken = 4;
/** What providers charge for an image of common size, within a factor of two. */
const tokensPerImage = 1000;
/** Role markers and separators around each message. */
const tokensPerMessage = 4;

/** Estimated input tokens of a prompt; used to filter by context length and to compare costs, never to bill. */
export function estimateInputTokens(prompt: Prompt): number {
  return (
    Math.ceil(prompt.totalCharacters / charactersPerToken) +
    prompt.imageCount * tokensPerImage +
    prompt.messageCount * tokensPerMessage
  );
}

/** Estimated tokens of a text of so many characters. */
export function estimateTokens(characters: number): number {
  return Math.ceil(characters / charactersPerToken);
}
