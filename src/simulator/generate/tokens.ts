/** Pieces of about the size of a language model's tokens; together they are the text, character for character. */
const tokenPattern = /\s?[\p{L}\p{M}]{1,7}|\s?\p{N}{1,3}|\s+|[^\s\p{L}\p{M}\p{N}]/gu;

export function splitTokens(text: string): string[] {
  return text.match(tokenPattern) ?? [];
}

export function countTokens(text: string): number {
  return splitTokens(text).length;
}

/** What one image counts in the prompt: a middling picture of about 1,000 × 750 pixels. */
export const imageTokens = 765;
