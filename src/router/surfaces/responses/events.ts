import { reportedCostUsd, usageFromResponses } from '../../upstream/usage.ts';
import {
  type AnswerReading,
  type Body,
  finishReasonOf,
  isObject,
  parseObject,
  type StreamReading,
} from '../surface.ts';

export function readResponsesAnswer(document: Body): AnswerReading {
  const { model, id, incomplete_details: incomplete } = document;
  return {
    isFiltered: isObject(incomplete) && incomplete['reason'] === 'content_filter',
    finishReason: finishReasonOf(isObject(incomplete) ? incomplete['reason'] : document['status']),
    usage: usageFromResponses(document['usage'], document['service_tier']),
    reportedCostUsd: reportedCostUsd(document['usage']),
    responseModel: typeof model === 'string' ? model : null,
    responseId: typeof id === 'string' ? id : null,
  };
}

/** Items that begin empty; every other kind is content by being there. */
const emptyItems: ReadonlySet<unknown> = new Set(['message', 'reasoning']);

/** See `Surface.readEvent`. The usage comes with the whole response at the end, so that no event is the usage alone. */
export function readResponsesEvent(data: string, reading: StreamReading): boolean {
  if (data === '[DONE]') return false;
  const event = parseObject(data);
  if (event === null) {
    reading.problem ??= 'malformed';
    return false;
  }
  const { type } = event;
  if (type === 'error' || type === 'response.failed') {
    reading.problem ??= 'error';
    return false;
  }
  if (isObject(event['response'])) {
    const answer = readResponsesAnswer(event['response']);
    const { usage, reportedCostUsd: cost, responseModel, responseId } = answer;
    reading.isFiltered ||= answer.isFiltered;
    reading.finishReason = answer.finishReason;
    reading.usage = usage ?? reading.usage;
    reading.reportedCostUsd = cost ?? reading.reportedCostUsd;
    reading.responseModel ??= responseModel;
    reading.responseId ??= responseId;
  }
  if (type === 'response.completed' || type === 'response.incomplete') {
    reading.isFinished = true;
    reading.hasEnded = true;
  } else if (type === 'response.output_item.added') {
    const { item } = event;
    if (isObject(item) && !emptyItems.has(item['type'])) reading.hasContent = true;
  } else if (typeof type === 'string' && type.endsWith('.delta')) {
    const { delta } = event;
    if (typeof delta === 'string' && delta !== '') {
      reading.hasContent = true;
      reading.contentCharacters += delta.length;
    }
  }
  return false;
}
