import { mergeMessagesUsage, usageFromMessages } from '../../upstream/usage.ts';
import {
  type AnswerReading,
  type Body,
  finishReasonOf,
  isObject,
  parseObject,
  type StreamReading,
} from '../surface.ts';

export function readMessagesAnswer(document: Body): AnswerReading {
  const { model } = document;
  return {
    isFiltered: isFiltered(document),
    finishReason: finishReasonOf(document['stop_reason']),
    usage: usageFromMessages(document['usage']),
    reportedCostUsd: null,
    responseModel: typeof model === 'string' ? model : null,
    responseId: null,
  };
}

/** Of a message, or of the delta that ends one. */
function isFiltered(ended: unknown): boolean {
  return isObject(ended) && ended['stop_reason'] === 'refusal';
}

/** Fields of a delta that count as content. */
const deltaFields = ['text', 'thinking', 'partial_json'] as const;

/** See `Surface.readEvent`. The usage comes with events that say more, so that none is the usage alone. */
export function readMessagesEvent(data: string, reading: StreamReading): boolean {
  const event = parseObject(data);
  if (event === null) {
    reading.problem ??= 'malformed';
    return false;
  }
  switch (event['type']) {
    case 'message_start': {
      const message = isObject(event['message']) ? event['message'] : {};
      reading.partialUsage = message['usage'];
      reading.usage = usageFromMessages(message['usage']);
      if (typeof message['model'] === 'string') reading.responseModel = message['model'];
      break;
    }
    case 'content_block_start': {
      const block = event['content_block'];
      // Text and thinking begin empty; everything else is content by being there.
      if (isObject(block) && block['type'] !== 'text' && block['type'] !== 'thinking') reading.hasContent = true;
      break;
    }
    case 'content_block_delta': {
      const delta = isObject(event['delta']) ? event['delta'] : {};
      for (const field of deltaFields) {
        const text = delta[field];
        if (typeof text !== 'string' || text === '') continue;
        reading.hasContent = true;
        reading.contentCharacters += text.length;
      }
      break;
    }
    case 'message_delta':
      if (isFiltered(event['delta'])) reading.isFiltered = true;
      if (isObject(event['delta'])) reading.finishReason = finishReasonOf(event['delta']['stop_reason']);
      if (isObject(event['usage'])) reading.usage = mergeMessagesUsage(reading.partialUsage, event['usage']);
      break;
    case 'message_stop':
      reading.isFinished = true;
      reading.hasEnded = true;
      break;
    case 'error':
      reading.problem ??= 'error';
      break;
    default:
      break;
  }
  return false;
}
