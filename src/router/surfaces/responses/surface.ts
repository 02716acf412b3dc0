import { openAiErrorBody } from '../../../platform/http/error-shapes.ts';
import { encodeEvent } from '../event-stream.ts';
import type { Surface } from '../surface.ts';
import { toResponse } from './answer.ts';
import { readResponsesAnswer, readResponsesEvent } from './events.ts';
import { readResponses } from './read.ts';
import { toResponseEvents } from './stream.ts';
import { translateResponses } from './translate.ts';

/** OpenAI's Responses. */
export const responsesSurface: Surface = {
  name: 'responses',
  path: '/responses',
  read: readResponses,
  readAnswer: readResponsesAnswer,
  readEvent: readResponsesEvent,
  errorBody: openAiErrorBody,
  errorEvent: ({ message, code, param }) =>
    // Clients read the number, and none of theirs comes after it.
    encodeEvent({ type: 'error', sequence_number: Number.MAX_SAFE_INTEGER, code, message, param }, 'error'),
  translate: translateResponses,
  toAnswer: toResponse,
  toEvents: toResponseEvents,
};
