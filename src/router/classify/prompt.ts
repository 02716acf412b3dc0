import type { Modality } from '../../contracts/model.ts';

/** A request as classification and selection see it, the same for every surface. */
export interface Prompt {
  /** The last user message: what is being asked. Of a long one its beginning and its end. */
  question: string;
  /** Characters of all messages, tools included: what must fit into the context. */
  totalCharacters: number;
  /** Number of messages, the system message included. */
  messageCount: number;
  toolCount: number;
  imageCount: number;
  /** Kinds of input, text always among them. */
  modalities: readonly Modality[];
  /** The system message and the first question: what stays the same through a conversation. */
  opening: string;
  /** The beginning of the last system message before the first question; empty where there is none. */
  instructions: string;
}

/** What is asked stands at the beginning or the end of a long question; this much of each is looked at. */
const beginningLimit = 2000;
const endLimit = 1000;
/** Longest part of an opening that tells conversations apart. */
const openingLimit = 4000;
/** Longest part of a system message that says what kind of work is asked. */
const instructionsLimit = 500;

export function promptFromText(text: string, imageCount = 0): Prompt {
  const builder = createPromptBuilder();
  builder.addMessage('user', text);
  for (let image = 0; image < imageCount; image += 1) builder.addInput('image');
  return builder.build(0, 0);
}

/** Gathers a prompt message by message. */
export interface PromptBuilder {
  /** Anything but `user` counts towards the length alone; `system` opens a conversation too. */
  addMessage(role: string, text: string): void;
  /** A part of a message that is no text. */
  addInput(modality: Modality): void;
  build(toolCount: number, toolCharacters: number): Prompt;
}

export function createPromptBuilder(): PromptBuilder {
  const modalities: Modality[] = ['text'];
  let totalCharacters = 0;
  let messageCount = 0;
  let imageCount = 0;
  let question = '';
  let opening = '';
  let instructions = '';
  let hasQuestion = false;

  return {
    addMessage(role, text) {
      messageCount += 1;
      totalCharacters += text.length;
      if (role === 'user') {
        if (text === '') return;
        if (!hasQuestion) opening = `${opening.slice(0, openingLimit)}\n${text.slice(0, openingLimit)}`;
        hasQuestion = true;
        question = text;
      } else if (!hasQuestion && (role === 'system' || role === 'developer')) {
        opening = text;
        instructions = text.slice(0, instructionsLimit);
      }
    },
    addInput(modality) {
      if (!modalities.includes(modality)) modalities.push(modality);
      if (modality === 'image') imageCount += 1;
    },
    build: (toolCount, toolCharacters) => ({
      question: beginningAndEnd(question),
      totalCharacters: totalCharacters + toolCharacters,
      messageCount,
      toolCount,
      imageCount,
      modalities,
      opening,
      instructions,
    }),
  };
}

function beginningAndEnd(text: string): string {
  if (text.length <= beginningLimit + endLimit) return text;
  return `${text.slice(0, beginningLimit)}\n${text.slice(-endLimit)}`;
}

/** Characters of some tools as a model reads them. */
export function charactersOf(tools: readonly unknown[]): number {
  return tools.length === 0 ? 0 : JSON.stringify(tools).length;
}
