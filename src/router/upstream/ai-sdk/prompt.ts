import type {
  JSONSchema7,
  LanguageModelV3CallOptions,
  LanguageModelV3FilePart,
  LanguageModelV3FunctionTool,
  LanguageModelV3Message,
  LanguageModelV3TextPart,
  LanguageModelV3ToolCallPart,
  LanguageModelV3ToolChoice,
} from '@ai-sdk/provider';
import type { ChatMessage } from '../../../contracts/openai.ts';
import { SignalboxError } from '../../../platform/core/errors.ts';

type Body = Readonly<Record<string, unknown>>;

/**
 * OpenAI's chat request as the AI SDK's call options. What a provider of another dialect has no counterpart for is left
 * out; input that would change the meaning if left out is refused.
 *
 * @throws SignalboxError `invalid_request` with the path of the part that cannot be translated.
 */
export function toCallOptions(body: Body): LanguageModelV3CallOptions {
  const messages = body['messages'] as readonly ChatMessage[];
  const tools = toTools(body['tools']);
  const stop = body['stop'];
  return {
    prompt: toMessages(messages),
    ...numberOption(body, 'max_completion_tokens', 'maxOutputTokens'),
    ...numberOption(body, 'max_tokens', 'maxOutputTokens'),
    ...numberOption(body, 'temperature', 'temperature'),
    ...numberOption(body, 'top_p', 'topP'),
    ...numberOption(body, 'presence_penalty', 'presencePenalty'),
    ...numberOption(body, 'frequency_penalty', 'frequencyPenalty'),
    ...numberOption(body, 'seed', 'seed'),
    ...(typeof stop === 'string' ? { stopSequences: [stop] } : {}),
    ...(Array.isArray(stop) ? { stopSequences: stop.filter((entry) => typeof entry === 'string') } : {}),
    ...toResponseFormat(body['response_format']),
    ...(tools.length > 0 ? { tools } : {}),
    ...(tools.length > 0 ? toToolChoice(body['tool_choice']) : {}),
    ...(body['parallel_tool_calls'] === false
      ? { providerOptions: { anthropic: { disableParallelToolUse: true } } }
      : {}),
  };
}

function numberOption<K extends keyof LanguageModelV3CallOptions>(
  body: Body,
  from: string,
  to: K,
): { [P in K]?: number } {
  const value = body[from];
  return typeof value === 'number' ? ({ [to]: value } as { [P in K]?: number }) : {};
}

function toMessages(messages: readonly ChatMessage[]): LanguageModelV3Message[] {
  const toolNames = new Map<string, string>();
  return messages.map((message, index): LanguageModelV3Message => {
    const path = `messages[${index}]`;
    switch (message.role) {
      case 'system':
      case 'developer':
        return { role: 'system', content: textOf(message, path) };
      case 'user':
        return { role: 'user', content: toUserContent(message, path) };
      case 'assistant': {
        const calls = toToolCalls(message['tool_calls'], path);
        for (const call of calls) toolNames.set(call.toolCallId, call.toolName);
        const text = textOf(message, path);
        return { role: 'assistant', content: [...(text === '' ? [] : [{ type: 'text' as const, text }]), ...calls] };
      }
      case 'tool':
      case 'function': {
        const toolCallId = typeof message['tool_call_id'] === 'string' ? message['tool_call_id'] : '';
        const toolName = toolNames.get(toolCallId);
        if (toolName === undefined) throw untranslatable(`${path}.tool_call_id`, 'answers no earlier tool call');
        const output = { type: 'text' as const, value: textOf(message, path) };
        return { role: 'tool', content: [{ type: 'tool-result', toolCallId, toolName, output }] };
      }
    }
  });
}

function textOf({ content }: ChatMessage, path: string): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .map((part, index) => {
      const text = part['text'] ?? part['refusal'];
      if (typeof text !== 'string') throw untranslatable(`${path}.content[${index}]`, `cannot hold a ${part.type}`);
      return text;
    })
    .join('');
}

function toUserContent(
  { content }: ChatMessage,
  path: string,
): Array<LanguageModelV3TextPart | LanguageModelV3FilePart> {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  if (!Array.isArray(content)) return [];
  return content.map((part, index) => {
    const at = `${path}.content[${index}]`;
    if (part.type === 'text' && typeof part['text'] === 'string') return { type: 'text', text: part['text'] };
    if (part.type === 'image_url')
      return toFilePart((part['image_url'] as { url?: unknown } | undefined)?.url, 'image/*', at);
    if (part.type === 'file') {
      return toFilePart((part['file'] as { file_data?: unknown } | undefined)?.file_data, 'application/pdf', at);
    }
    throw untranslatable(at, `${part.type} is not supported by this provider`);
  });
}

function toFilePart(location: unknown, defaultMediaType: string, path: string): LanguageModelV3FilePart {
  if (typeof location !== 'string') throw untranslatable(path, 'has no data');
  const inline = /^data:([^;,]+);base64,(.*)$/s.exec(location);
  if (inline !== null) {
    return { type: 'file', mediaType: inline[1] ?? defaultMediaType, data: inline[2] ?? '' };
  }
  if (!URL.canParse(location)) throw untranslatable(path, 'is neither a URL nor base64 data');
  return { type: 'file', mediaType: defaultMediaType, data: new URL(location) };
}

function toToolCalls(value: unknown, path: string): LanguageModelV3ToolCallPart[] {
  if (!Array.isArray(value)) return [];
  return value.map((call: unknown, index) => {
    const { id, function: target } = call as { id?: unknown; function?: { name?: unknown; arguments?: unknown } };
    const at = `${path}.tool_calls[${index}]`;
    if (typeof id !== 'string' || typeof target?.name !== 'string')
      throw untranslatable(at, 'needs id and function.name');
    return { type: 'tool-call', toolCallId: id, toolName: target.name, input: parseArguments(target.arguments, at) };
  });
}

function parseArguments(value: unknown, path: string): unknown {
  if (typeof value !== 'string' || value.trim() === '') return {};
  try {
    return JSON.parse(value);
  } catch (error) {
    throw untranslatable(`${path}.function.arguments`, 'is not valid JSON', error);
  }
}

function toTools(value: unknown): LanguageModelV3FunctionTool[] {
  if (!Array.isArray(value)) return [];
  return value.map((tool: unknown, index) => {
    const { function: target } = tool as { function?: Record<string, unknown> };
    const name = target?.['name'];
    if (typeof name !== 'string') throw untranslatable(`tools[${index}].function.name`, 'is missing');
    const description = target?.['description'];
    const parameters = target?.['parameters'];
    return {
      type: 'function',
      name,
      ...(typeof description === 'string' ? { description } : {}),
      inputSchema:
        typeof parameters === 'object' && parameters !== null ? parameters : { type: 'object', properties: {} },
    };
  });
}

function toToolChoice(value: unknown): { toolChoice?: LanguageModelV3ToolChoice } {
  if (value === 'auto' || value === 'none' || value === 'required') return { toolChoice: { type: value } };
  const name = (value as { function?: { name?: unknown } } | null | undefined)?.function?.name;
  return typeof name === 'string' ? { toolChoice: { type: 'tool', toolName: name } } : {};
}

function toResponseFormat(value: unknown): Pick<LanguageModelV3CallOptions, 'responseFormat'> {
  if (typeof value !== 'object' || value === null) return {};
  const { type, json_schema: wanted } = value as { type?: unknown; json_schema?: { schema?: unknown; name?: unknown } };
  if (type === 'json_object') return { responseFormat: { type: 'json' } };
  if (type !== 'json_schema') return {};
  return {
    responseFormat: {
      type: 'json',
      schema: wanted?.schema as JSONSchema7,
      ...(typeof wanted?.name === 'string' ? { name: wanted.name } : {}),
    },
  };
}

function untranslatable(path: string, problem: string, cause?: unknown): SignalboxError {
  return new SignalboxError('invalid_request', `${path}: ${problem}`, { param: path, cause });
}
