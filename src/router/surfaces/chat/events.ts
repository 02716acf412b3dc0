import { reportedCostUsd, usageFromChat } from '../../upstream/usage.ts';
import {
  type AnswerReading,
  type Body,
  finishReasonOf,
  isObject,
  parseObject,
  type StreamReading,
} from '../surface.ts';

export function readChatAnswer(document: Body): AnswerReading {
  const { model, choices } = document;
  const last: unknown = Array.isArray(choices) ? choices.at(-1) : null;
  return {
    isFiltered: Array.isArray(choices) && choices.some(isFiltered),
    finishReason: isObject(last) ? finishReasonOf(last['finish_reason']) : null,
    usage: usageFromChat(document['usage'], document['service_tier']),
    reportedCostUsd: reportedCostUsd(document['usage']),
    responseModel: typeof model === 'string' ? model : null,
    responseId: null,
  };
}

function isFiltered(choice: unknown): boolean {
  return isObject(choice) && choice['finish_reason'] === 'content_filter';
}

/** Text fields of a delta that count as content. */
const textFields = ['content', 'reasoning_content', 'reasoning', 'refusal'] as const;

/** See `Surface.readEvent`. */
export function readChatEvent(data: string, reading: StreamReading): boolean {
  if (data === '[DONE]') {
    reading.isFinished = true;
    reading.hasEnded = true;
    return false;
  }
  const chunk = parseObject(data);
  if (chunk === null) {
    reading.problem ??= 'malformed';
    return false;
  }
  if (chunk['error'] !== undefined && chunk['error'] !== null) {
    reading.problem ??= 'error';
    return false;
  }
  if (reading.responseModel === null && typeof chunk['model'] === 'string') reading.responseModel = chunk['model'];
  const { choices, usage } = chunk;
  const groq = chunk['x_groq'];
  const reported = usage ?? (isObject(groq) ? groq['usage'] : null);
  if (isObject(reported)) {
    reading.usage = usageFromChat(reported, chunk['service_tier']) ?? reading.usage;
    reading.reportedCostUsd = reportedCostUsd(reported) ?? reading.reportedCostUsd;
  }
  if (!Array.isArray(choices)) return false;
  for (const choice of choices) readChoice(choice, reading);
  return choices.length === 0 && isObject(usage);
}

function readChoice(choice: unknown, reading: StreamReading): void {
  if (!isObject(choice)) return;
  const { delta } = choice;
  if (typeof choice['finish_reason'] === 'string') {
    reading.isFinished = true;
    reading.finishReason = finishReasonOf(choice['finish_reason']);
  }
  if (isFiltered(choice)) reading.isFiltered = true;
  if (!isObject(delta)) return;
  for (const field of textFields) {
    const text = delta[field];
    if (typeof text !== 'string' || text === '') continue;
    reading.hasContent = true;
    reading.contentCharacters += text.length;
  }
  const calls = delta['tool_calls'];
  if (Array.isArray(calls) && calls.length > 0) {
    reading.hasContent = true;
    reading.contentCharacters += JSON.stringify(calls).length;
  }
  if (isObject(delta['audio']) || isObject(delta['function_call'])) reading.hasContent = true;
}
