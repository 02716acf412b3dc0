import { openAiErrorBody } from '../../../platform/http/error-shapes.ts';
import { encodeEvent } from '../event-stream.ts';
import type { Surface } from '../surface.ts';
import { toCompletion, toCompletionEvents } from './answer.ts';
import { readChatAnswer, readChatEvent } from './events.ts';
import { readChat } from './read.ts';
import { translateChat } from './translate.ts';

/** OpenAI's Chat Completions. */
export const chatSurface: Surface = {
  name: 'chat',
  path: '/chat/completions',
  read: readChat,
  readAnswer: readChatAnswer,
  readEvent: readChatEvent,
  errorBody: openAiErrorBody,
  errorEvent: (error) => encodeEvent(openAiErrorBody(error)),
  translate: translateChat,
  toAnswer: toCompletion,
  toEvents: toCompletionEvents,
};
