import type { Complexity, QueryType } from '../../contracts/index.ts';

/** A prompt whose right answer is known, so that an answer can be judged without a person or a model. */
export interface DemoPrompt {
  queryType: QueryType;
  complexity: Complexity;
  prompt: string;
  /** Phrases of which a right answer contains one. */
  expected: readonly string[];
  /** What a wrong answer says instead; contains none of the expected phrases. */
  wrong: readonly string[];
  /** The picture that goes with the prompt, as a data URL. */
  imageUrl?: string;
}
