import type {
  LanguageModelV3CallOptions,
  LanguageModelV3FilePart,
  LanguageModelV3FunctionTool,
  LanguageModelV3Message,
  LanguageModelV3ReasoningPart,
  LanguageModelV3TextPart,
  LanguageModelV3ToolCallPart,
  LanguageModelV3ToolChoice,
} from '@ai-sdk/provider';
import type { ChatMessage } from '../../../contracts/openai.ts';
import { type Body, isObject, type TranslatedRequest } from '../surface.ts';
import {
  asText,
  cacheOptions,
  hiddenReasoning,
  jsonFormat,
  numberOption,
  parseArguments,
  signedReasoning,
  textOfContent,
  toFilePart,
  toFunctionTool,
  untranslatable,
} from '../translation.ts';

/**
 * OpenAI's chat request in the AI SDK's words. What a provider of another dialect has no counterpart for is left out;
 * input that would change the meaning if left out is refused.
 *
 * @throws SignalboxError `invalid_request` with the path of the part that cannot be translated.
 */
export function translateChat(body: Body): TranslatedRequest {
  const tools = toTools(body['tools']);
  const { stop } = body;
  const format = toResponseFormat(body['response_format']);
  const options: LanguageModelV3CallOptions = {
    prompt: toMessages(body['messages'] as readonly ChatMessage[]),
    ...numberOption(body['max_tokens'], 'maxOutputTokens'),
    ...numberOption(body['max_completion_tokens'], 'maxOutputTokens'),
    ...numberOption(body['temperature'], 'temperature'),
    ...numberOption(body['top_p'], 'topP'),
    ...numberOption(body['top_k'], 'topK'),
    ...numberOption(body['presence_penalty'], 'presencePenalty'),
    ...numberOption(body['frequency_penalty'], 'frequencyPenalty'),
    ...numberOption(body['seed'], 'seed'),
    ...(typeof stop === 'string' ? { stopSequences: [stop] } : {}),
    ...(Array.isArray(stop) ? { stopSequences: stop.filter((entry) => typeof entry === 'string') } : {}),
    ...format.option,
    ...(tools.length > 0 ? { tools, ...toToolChoice(body['tool_choice']) } : {}),
  };
  return {
    options,
    reasoning: toReasoning(body),
    parallelToolCalls: typeof body['parallel_tool_calls'] === 'boolean' ? body['parallel_tool_calls'] : null,
    user: typeof body['user'] === 'string' ? body['user'] : null,
    strictSchema: format.strict,
  };
}

/** `reasoning_effort` of OpenAI, `reasoning` of OpenRouter. */
function toReasoning(body: Body): TranslatedRequest['reasoning'] {
  const { reasoning } = body;
  const asked = isObject(reasoning) ? reasoning : {};
  const effort = body['reasoning_effort'] ?? asked['effort'];
  const budget = asked['max_tokens'];
  if (typeof effort !== 'string' && typeof budget !== 'number') return null;
  return {
    effort: typeof effort === 'string' ? effort : null,
    budgetTokens: typeof budget === 'number' ? budget : null,
  };
}

function toMessages(messages: readonly ChatMessage[]): LanguageModelV3Message[] {
  const toolNames = new Map<string, string>();
  return messages.map((message, index): LanguageModelV3Message => {
    const path = `messages[${index}]`;
    switch (message.role) {
      case 'system':
      case 'developer':
        return { role: 'system', content: textOfContent(message.content, path), ...cacheOfLastPart(message) };
      case 'user':
        return { role: 'user', content: toUserContent(message, path) };
      case 'assistant': {
        const calls = toToolCalls(message['tool_calls'], path);
        for (const call of calls) toolNames.set(call.toolCallId, call.toolName);
        const text = textOfContent(message.content, path);
        return {
          role: 'assistant',
          content: [
            ...toReasoningParts(message['reasoning_details']),
            ...(text === '' ? [] : [{ type: 'text' as const, text, ...cacheOfLastPart(message) }]),
            ...calls,
          ],
        };
      }
      case 'tool':
      case 'function': {
        const toolCallId = typeof message['tool_call_id'] === 'string' ? message['tool_call_id'] : '';
        const toolName = toolNames.get(toolCallId);
        if (toolName === undefined) throw untranslatable(`${path}.tool_call_id`, 'answers no earlier tool call');
        const output = { type: 'text' as const, value: textOfContent(message.content, path) };
        const result = { type: 'tool-result' as const, toolCallId, toolName, output, ...cacheOfLastPart(message) };
        return { role: 'tool', content: [result] };
      }
    }
  });
}

function cacheOfLastPart({ content }: ChatMessage): ReturnType<typeof cacheOptions> {
  return Array.isArray(content) ? cacheOptions(content.at(-1)?.['cache_control']) : {};
}

/**
 * Reasoning that a provider signed and wants back, as the answer of this surface carries it: whole, or in the pieces of a
 * stream, of which the last has the signature.
 */
function toReasoningParts(value: unknown): LanguageModelV3ReasoningPart[] {
  if (!Array.isArray(value)) return [];
  const parts: LanguageModelV3ReasoningPart[] = [];
  let text = '';
  for (const detail of value as readonly unknown[]) {
    if (!isObject(detail)) continue;
    if (typeof detail['data'] === 'string') parts.push(hiddenReasoning(detail['data']));
    text += asText(detail['text']);
    if (typeof detail['signature'] !== 'string') continue;
    parts.push(signedReasoning(text, detail['signature']));
    text = '';
  }
  return parts;
}

function toUserContent(
  { content }: ChatMessage,
  path: string,
): Array<LanguageModelV3TextPart | LanguageModelV3FilePart> {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  if (!Array.isArray(content)) return [];
  return content.map((part, index) => {
    const at = `${path}.content[${index}]`;
    const cache = cacheOptions(part['cache_control']);
    if (part.type === 'text' && typeof part['text'] === 'string') return { type: 'text', text: part['text'], ...cache };
    if (part.type === 'image_url') {
      const { url } = isObject(part['image_url']) ? part['image_url'] : {};
      return { ...toFilePart(url, 'image/*', at), ...cache };
    }
    if (part.type === 'file') {
      const file = isObject(part['file']) ? part['file'] : {};
      return { ...toFilePart(file['file_data'], 'application/pdf', at, file['filename']), ...cache };
    }
    if (part.type === 'input_audio') {
      const audio = isObject(part['input_audio']) ? part['input_audio'] : {};
      if (typeof audio['data'] !== 'string') throw untranslatable(at, 'has no data');
      return { type: 'file', mediaType: audio['format'] === 'wav' ? 'audio/wav' : 'audio/mpeg', data: audio['data'] };
    }
    throw untranslatable(at, `${part.type} is not supported by this provider`);
  });
}

function toToolCalls(value: unknown, path: string): LanguageModelV3ToolCallPart[] {
  if (!Array.isArray(value)) return [];
  return value.map((call: unknown, index) => {
    const at = `${path}.tool_calls[${index}]`;
    const { id, function: target } = isObject(call) ? call : {};
    const { name, arguments: json } = isObject(target) ? target : {};
    if (typeof id !== 'string' || typeof name !== 'string') throw untranslatable(at, 'needs id and function.name');
    const input = parseArguments(json, `${at}.function.arguments`);
    return { type: 'tool-call', toolCallId: id, toolName: name, input };
  });
}

function toTools(value: unknown): LanguageModelV3FunctionTool[] {
  if (!Array.isArray(value)) return [];
  return value.map((tool: unknown, index) => {
    const target = isObject(tool) && isObject(tool['function']) ? tool['function'] : {};
    const { name, description, parameters: schema, strict } = target;
    return toFunctionTool({ name, description, schema, strict }, `tools[${index}].function`);
  });
}

function toToolChoice(value: unknown): { toolChoice?: LanguageModelV3ToolChoice } {
  if (value === 'auto' || value === 'none' || value === 'required') return { toolChoice: { type: value } };
  const name = (value as { function?: { name?: unknown } } | null | undefined)?.function?.name;
  return typeof name === 'string' ? { toolChoice: { type: 'tool', toolName: name } } : {};
}

function toResponseFormat(value: unknown): {
  option: Pick<LanguageModelV3CallOptions, 'responseFormat'>;
  strict: boolean;
} {
  if (!isObject(value)) return { option: {}, strict: false };
  if (value['type'] === 'json_object') return { option: jsonFormat({}), strict: false };
  const wanted = value['json_schema'];
  if (value['type'] !== 'json_schema' || !isObject(wanted)) return { option: {}, strict: false };
  return { option: jsonFormat(wanted), strict: wanted['strict'] === true };
}
