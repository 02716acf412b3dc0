import { anthropicErrorBody } from '../../../platform/http/error-shapes.ts';
import { encodeEvent } from '../event-stream.ts';
import type { Surface } from '../surface.ts';
import { toMessage, toMessageEvents } from './answer.ts';
import { readMessagesAnswer, readMessagesEvent } from './events.ts';
import { readMessages } from './read.ts';
import { translateMessages } from './translate.ts';

/** Anthropic's Messages. */
export const messagesSurface: Surface = {
  name: 'messages',
  path: '/messages',
  read: readMessages,
  readAnswer: readMessagesAnswer,
  readEvent: readMessagesEvent,
  errorBody: anthropicErrorBody,
  errorEvent: (error) => encodeEvent(anthropicErrorBody(error), 'error'),
  translate: translateMessages,
  toAnswer: toMessage,
  toEvents: toMessageEvents,
};
