import type {
  LanguageModelV3CallOptions,
  LanguageModelV3FilePart,
  LanguageModelV3FunctionTool,
  LanguageModelV3Message,
  LanguageModelV3TextPart,
  LanguageModelV3ToolChoice,
  LanguageModelV3ToolResultOutput,
} from '@ai-sdk/provider';
import type { ResponseItem } from '../../../contracts/openai.ts';
import { type Body, isObject, type TranslatedRequest } from '../surface.ts';
import {
  asText,
  jsonFormat,
  numberOption,
  parseArguments,
  textOfContent,
  toFilePart,
  toFunctionTool,
  untranslatable,
} from '../translation.ts';

type ToolResultContent = Extract<LanguageModelV3ToolResultOutput, { type: 'content' }>['value'];

/**
 * OpenAI's Responses request in the AI SDK's words, as far as it stands for itself: what refers to answers, files and
 * tools that OpenAI keeps is for OpenAI's own servers.
 *
 * @throws SignalboxError `invalid_request` with the path of the item that cannot be translated.
 */
export function translateResponses(body: Body): TranslatedRequest {
  const tools = toTools(body['tools']);
  const format = isObject(body['text']) && isObject(body['text']['format']) ? body['text']['format'] : {};
  const reasoning = isObject(body['reasoning']) ? body['reasoning'] : {};
  const isJson = format['type'] === 'json_schema' || format['type'] === 'json_object';
  const options: LanguageModelV3CallOptions = {
    prompt: [...toInstructions(body['instructions']), ...toMessages(body['input'])],
    ...numberOption(body['max_output_tokens'], 'maxOutputTokens'),
    ...numberOption(body['temperature'], 'temperature'),
    ...numberOption(body['top_p'], 'topP'),
    ...(isJson ? jsonFormat(format) : {}),
    ...(tools.length > 0 ? { tools, ...toToolChoice(body['tool_choice']) } : {}),
  };
  return {
    options,
    reasoning: typeof reasoning['effort'] === 'string' ? { effort: reasoning['effort'], budgetTokens: null } : null,
    parallelToolCalls: typeof body['parallel_tool_calls'] === 'boolean' ? body['parallel_tool_calls'] : null,
    user: typeof body['user'] === 'string' ? body['user'] : null,
    strictSchema: format['strict'] === true,
  };
}

function toInstructions(instructions: unknown): LanguageModelV3Message[] {
  return typeof instructions === 'string' && instructions !== '' ? [{ role: 'system', content: instructions }] : [];
}

function toMessages(input: unknown): LanguageModelV3Message[] {
  if (typeof input === 'string') return [{ role: 'user', content: [{ type: 'text', text: input }] }];
  if (!Array.isArray(input)) throw untranslatable('input', 'is missing');
  const toolNames = new Map<string, string>();
  const messages: LanguageModelV3Message[] = [];
  for (const [index, item] of (input as readonly ResponseItem[]).entries()) {
    addItem(messages, item, `input[${index}]`, toolNames);
  }
  return messages;
}

function addItem(
  messages: LanguageModelV3Message[],
  item: ResponseItem,
  path: string,
  toolNames: Map<string, string>,
): void {
  switch (item.type ?? 'message') {
    case 'message':
      if (item.role === 'assistant')
        assistantContent(messages).push({ type: 'text', text: textOfContent(item.content, path) });
      else if (item.role === 'system' || item.role === 'developer') {
        messages.push({ role: 'system', content: textOfContent(item.content, path) });
      } else messages.push({ role: 'user', content: toUserContent(item, path) });
      return;
    case 'function_call': {
      const { call_id: id, name } = item;
      if (typeof id !== 'string' || typeof name !== 'string') throw untranslatable(path, 'needs call_id and name');
      toolNames.set(id, name);
      const call = parseArguments(item['arguments'], `${path}.arguments`);
      assistantContent(messages).push({ type: 'tool-call', toolCallId: id, toolName: name, input: call });
      return;
    }
    case 'function_call_output': {
      const id = item['call_id'];
      const toolName = typeof id === 'string' ? toolNames.get(id) : undefined;
      if (typeof id !== 'string' || toolName === undefined) {
        throw untranslatable(`${path}.call_id`, 'answers no earlier function call');
      }
      const output = toOutput(item['output'], path);
      const result = { type: 'tool-result' as const, toolCallId: id, toolName, output };
      const last = messages.at(-1);
      if (last?.role === 'tool') last.content.push(result);
      else messages.push({ role: 'tool', content: [result] });
      return;
    }
    case 'reasoning':
      // Encrypted for OpenAI, or a summary: no other model is meant to read it.
      return;
    default:
      throw untranslatable(path, `${String(item.type)} is not supported by this provider`);
  }
}

function toOutput(output: unknown, path: string): LanguageModelV3ToolResultOutput {
  if (!Array.isArray(output)) return { type: 'text', value: asText(output) };
  return {
    type: 'content',
    value: output.map((part: unknown, index) => {
      const at = `${path}.output[${index}]`;
      if (isObject(part) && typeof part['text'] === 'string') return { type: 'text', text: part['text'] };
      if (isObject(part) && part['type'] === 'input_image')
        return toImageResult(toFilePart(part['image_url'], 'image/*', at));
      throw untranslatable(at, `${isObject(part) ? asText(part['type']) : 'this'} is not supported by this provider`);
    }),
  };
}

function toImageResult({ data, mediaType }: LanguageModelV3FilePart): ToolResultContent[number] {
  return data instanceof URL
    ? { type: 'image-url', url: data.toString() }
    : { type: 'image-data', data: data.toString(), mediaType };
}

/** Text and calls of one turn are items of their own here and one message elsewhere. */
function assistantContent(
  messages: LanguageModelV3Message[],
): Extract<LanguageModelV3Message, { role: 'assistant' }>['content'] {
  const last = messages.at(-1);
  if (last?.role === 'assistant') return last.content;
  const content: Extract<LanguageModelV3Message, { role: 'assistant' }>['content'] = [];
  messages.push({ role: 'assistant', content });
  return content;
}

function toUserContent(
  { content }: ResponseItem,
  path: string,
): Array<LanguageModelV3TextPart | LanguageModelV3FilePart> {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  if (!Array.isArray(content)) return [];
  return content.map((part, index) => {
    const at = `${path}.content[${index}]`;
    if (typeof part['text'] === 'string') return { type: 'text', text: part['text'] };
    if (part.type === 'input_image') return toFilePart(part['image_url'], 'image/*', at);
    if (part.type === 'input_file') {
      return toFilePart(part['file_data'] ?? part['file_url'], 'application/pdf', at, part['filename']);
    }
    throw untranslatable(at, `${part.type} is not supported by this provider`);
  });
}

function toTools(value: unknown): LanguageModelV3FunctionTool[] {
  if (!Array.isArray(value)) return [];
  return value.map((entry: unknown, index) => {
    const { name, description, parameters: schema, strict } = isObject(entry) ? entry : {};
    return toFunctionTool({ name, description, schema, strict }, `tools[${index}]`);
  });
}

function toToolChoice(value: unknown): { toolChoice?: LanguageModelV3ToolChoice } {
  if (value === 'auto' || value === 'none' || value === 'required') return { toolChoice: { type: value } };
  return isObject(value) && typeof value['name'] === 'string'
    ? { toolChoice: { type: 'tool', toolName: value['name'] } }
    : {};
}
