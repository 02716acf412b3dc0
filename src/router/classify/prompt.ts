import type { ChatCompletionRequest, ChatMessage } from '../../contracts/openai.ts';
import type { Modality } from '../../contracts/model.ts';

/** A request as classification and selection see it, the same for every surface. */
export interface Prompt {
  /** The last user message: what is being asked. */
  question: string;
  /** Characters of all messages, tools included: what must fit into the context. */
  totalCharacters: number;
  /** Number of messages, the system message included. */
  messageCount: number;
  toolCount: number;
  imageCount: number;
  /** Kinds of input beside text. */
  modalities: readonly Modality[];
}

/** Longest part of a question that is looked at; a longer one says nothing more about its class. */
const questionLimit = 20_000;

export function promptFromText(text: string, imageCount = 0): Prompt {
  return {
    question: text.slice(0, questionLimit),
    totalCharacters: text.length,
    messageCount: 1,
    toolCount: 0,
    imageCount,
    modalities: imageCount > 0 ? ['text', 'image'] : ['text'],
  };
}

const modalityOfPart: ReadonlyMap<string, Modality> = new Map([
  ['image_url', 'image'],
  ['input_image', 'image'],
  ['image', 'image'],
  ['input_audio', 'audio'],
  ['video_url', 'video'],
  ['input_video', 'video'],
  ['file', 'file'],
  ['input_file', 'file'],
]);

export function promptFromChat(request: ChatCompletionRequest): Prompt {
  const modalities = new Set<Modality>(['text']);
  let totalCharacters = 0;
  let imageCount = 0;
  let question = '';
  for (const message of request.messages) {
    const text = textOf(message);
    totalCharacters += text.length;
    if (message.role === 'user' && text !== '') question = text;
    if (!Array.isArray(message.content)) continue;
    for (const part of message.content) {
      const modality = modalityOfPart.get(part.type);
      if (modality === undefined) continue;
      modalities.add(modality);
      if (modality === 'image') imageCount += 1;
    }
  }
  const tools = request.tools ?? [];
  if (tools.length > 0) totalCharacters += JSON.stringify(tools).length;
  return {
    question: question.slice(0, questionLimit),
    totalCharacters,
    messageCount: request.messages.length,
    toolCount: tools.length,
    imageCount,
    modalities: [...modalities],
  };
}

function textOf(message: ChatMessage): string {
  const { content } = message;
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.map((part) => (typeof part['text'] === 'string' ? part['text'] : '')).join('\n');
}
