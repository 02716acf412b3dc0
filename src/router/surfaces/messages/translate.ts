import type {
  LanguageModelV3CallOptions,
  LanguageModelV3FilePart,
  LanguageModelV3FunctionTool,
  LanguageModelV3Message,
  LanguageModelV3TextPart,
  LanguageModelV3ToolChoice,
  LanguageModelV3ToolResultOutput,
  LanguageModelV3ToolResultPart,
} from '@ai-sdk/provider';
import type { AnthropicMessage, ContentBlock } from '../../../contracts/anthropic.ts';
import { type Body, isObject, type TranslatedRequest } from '../surface.ts';
import {
  asText,
  cacheOptions,
  hiddenReasoning,
  jsonFormat,
  numberOption,
  signedReasoning,
  toFilePart,
  toFunctionTool,
  untranslatable,
} from '../translation.ts';

type AssistantContent = Extract<LanguageModelV3Message, { role: 'assistant' }>['content'];

/**
 * Anthropic's Messages request in the AI SDK's words.
 *
 * @throws SignalboxError `invalid_request` with the path of the block that cannot be translated.
 */
export function translateMessages(body: Body): TranslatedRequest {
  const tools = toTools(body['tools']);
  const stop = body['stop_sequences'];
  const choice = isObject(body['tool_choice']) ? body['tool_choice'] : {};
  const format = formatOf(body);
  const userId = isObject(body['metadata']) ? body['metadata']['user_id'] : null;
  const options: LanguageModelV3CallOptions = {
    prompt: [...toSystem(body['system']), ...toMessages(body['messages'] as readonly AnthropicMessage[])],
    ...numberOption(body['max_tokens'], 'maxOutputTokens'),
    ...numberOption(body['temperature'], 'temperature'),
    ...numberOption(body['top_p'], 'topP'),
    ...numberOption(body['top_k'], 'topK'),
    ...(Array.isArray(stop) ? { stopSequences: stop.filter((entry) => typeof entry === 'string') } : {}),
    ...(format === null ? {} : jsonFormat(format)),
    ...(tools.length > 0 ? { tools, ...toToolChoice(choice) } : {}),
  };
  return {
    options,
    reasoning: toReasoning(body),
    parallelToolCalls: choice['disable_parallel_tool_use'] === true ? false : null,
    user: typeof userId === 'string' ? userId : null,
    strictSchema: format !== null,
  };
}

/** The schema of the answer, in its present place or in the one it had before. */
function formatOf(body: Body): Record<string, unknown> | null {
  const config = body['output_config'];
  const format = isObject(config) ? config['format'] : body['output_format'];
  return isObject(format) && format['type'] === 'json_schema' ? format : null;
}

function toReasoning(body: Body): TranslatedRequest['reasoning'] {
  const thinking = isObject(body['thinking']) ? body['thinking'] : {};
  const config = isObject(body['output_config']) ? body['output_config'] : {};
  const isOn = thinking['type'] === 'enabled' || thinking['type'] === 'adaptive';
  const effort = typeof config['effort'] === 'string' ? config['effort'] : null;
  const budget = typeof thinking['budget_tokens'] === 'number' ? thinking['budget_tokens'] : null;
  return isOn ? { effort: effort ?? (budget === null ? 'medium' : null), budgetTokens: budget } : null;
}

function toSystem(system: unknown, path = 'system'): LanguageModelV3Message[] {
  if (typeof system === 'string') return system === '' ? [] : [{ role: 'system', content: system }];
  if (!Array.isArray(system)) return [];
  return system.map((block: unknown, index) => {
    if (!isObject(block) || typeof block['text'] !== 'string') throw untranslatable(`${path}[${index}]`, 'has no text');
    return { role: 'system', content: block['text'], ...cacheOptions(block['cache_control']) };
  });
}

function toMessages(messages: readonly AnthropicMessage[]): LanguageModelV3Message[] {
  const toolNames = new Map<string, string>();
  return messages.flatMap(({ role, content }, index): LanguageModelV3Message[] => {
    const path = `messages[${index}]`;
    const blocks: readonly ContentBlock[] = typeof content === 'string' ? [{ type: 'text', text: content }] : content;
    if (role === 'system') return toSystem(content, `${path}.content`);
    if (role === 'assistant') return [{ role, content: toAssistantContent(blocks, path, toolNames) }];
    const results: LanguageModelV3ToolResultPart[] = [];
    const parts: Array<LanguageModelV3TextPart | LanguageModelV3FilePart> = [];
    for (const [position, block] of blocks.entries()) {
      const at = `${path}.content[${position}]`;
      if (block.type === 'tool_result') results.push(toToolResult(block, at, toolNames));
      else parts.push(toUserPart(block, at));
    }
    return [
      ...(results.length > 0 ? [{ role: 'tool' as const, content: results }] : []),
      ...(parts.length > 0 || results.length === 0 ? [{ role: 'user' as const, content: parts }] : []),
    ];
  });
}

function toAssistantContent(
  blocks: readonly ContentBlock[],
  path: string,
  toolNames: Map<string, string>,
): AssistantContent {
  return blocks.map((block, index) => {
    const at = `${path}.content[${index}]`;
    const cache = cacheOptions(block['cache_control']);
    switch (block.type) {
      case 'text':
        return { type: 'text', text: asText(block['text']), ...cache };
      case 'thinking': {
        const { signature } = block;
        const text = asText(block['thinking']);
        return typeof signature === 'string' ? signedReasoning(text, signature) : { type: 'reasoning', text };
      }
      case 'redacted_thinking':
        return hiddenReasoning(asText(block['data']));
      case 'tool_use': {
        const { id, name } = block;
        if (typeof id !== 'string' || typeof name !== 'string') throw untranslatable(at, 'needs id and name');
        toolNames.set(id, name);
        return { type: 'tool-call', toolCallId: id, toolName: name, input: block['input'] ?? {}, ...cache };
      }
      default:
        throw untranslatable(at, `${block.type} is not supported by this provider`);
    }
  });
}

function toToolResult(
  block: ContentBlock,
  path: string,
  toolNames: ReadonlyMap<string, string>,
): LanguageModelV3ToolResultPart {
  const id = block['tool_use_id'];
  const toolName = typeof id === 'string' ? toolNames.get(id) : undefined;
  if (typeof id !== 'string' || toolName === undefined) {
    throw untranslatable(`${path}.tool_use_id`, 'answers no earlier tool call');
  }
  const output = toOutput(block['content'], block['is_error'] === true, path);
  return { type: 'tool-result', toolCallId: id, toolName, output, ...cacheOptions(block['cache_control']) };
}

function toOutput(content: unknown, isError: boolean, path: string): LanguageModelV3ToolResultOutput {
  const blocks: readonly unknown[] = Array.isArray(content) ? content : [];
  const textOnly = blocks.every((inner) => isObject(inner) && inner['type'] === 'text');
  if (isError || textOnly) {
    const value =
      typeof content === 'string'
        ? content
        : blocks.map((inner) => (isObject(inner) ? asText(inner['text']) : '')).join('\n');
    return { type: isError ? 'error-text' : 'text', value };
  }
  return {
    type: 'content',
    value: blocks.map((inner, index) => {
      const at = `${path}.content[${index}]`;
      if (!isObject(inner)) throw untranslatable(at, 'is not a block');
      if (inner['type'] === 'text') return { type: 'text', text: asText(inner['text']) };
      const source = isObject(inner['source']) ? inner['source'] : {};
      if (inner['type'] === 'image' && source['type'] === 'base64') {
        return { type: 'image-data', data: asText(source['data']), mediaType: asText(source['media_type']) };
      }
      if (inner['type'] === 'image' && source['type'] === 'url') {
        return { type: 'image-url', url: toFilePart(source['url'], 'image/*', at).data.toString() };
      }
      throw untranslatable(at, `${asText(inner['type'])} is not supported by this provider`);
    }),
  };
}

function toUserPart(block: ContentBlock, path: string): LanguageModelV3TextPart | LanguageModelV3FilePart {
  const cache = cacheOptions(block['cache_control']);
  if (block.type === 'text') return { type: 'text', text: asText(block['text']), ...cache };
  const source = isObject(block['source']) ? block['source'] : {};
  const isImage = block.type === 'image';
  if (isImage || block.type === 'document') {
    if (source['type'] === 'base64' && typeof source['data'] === 'string') {
      const mediaType = asText(source['media_type'], isImage ? 'image/*' : 'application/pdf');
      return { type: 'file', mediaType, data: source['data'], ...titleOf(block), ...cache };
    }
    if (source['type'] === 'url') {
      return { ...toFilePart(source['url'], isImage ? 'image/*' : 'application/pdf', path), ...cache };
    }
    if (source['type'] === 'text' && typeof source['data'] === 'string') {
      return { type: 'text', text: source['data'], ...cache };
    }
  }
  throw untranslatable(path, `${block.type} is not supported by this provider`);
}

function titleOf(block: ContentBlock): { filename?: string } {
  return typeof block['title'] === 'string' ? { filename: block['title'] } : {};
}

function toTools(value: unknown): LanguageModelV3FunctionTool[] {
  if (!Array.isArray(value)) return [];
  return value.map((entry: unknown, index) => {
    const tool = isObject(entry) ? entry : {};
    const { name, description, input_schema: schema, strict } = tool;
    return {
      ...toFunctionTool({ name, description, schema, strict }, `tools[${index}]`),
      ...cacheOptions(tool['cache_control']),
    };
  });
}

function toToolChoice(choice: Record<string, unknown>): { toolChoice?: LanguageModelV3ToolChoice } {
  switch (choice['type']) {
    case 'auto':
    case 'none':
      return { toolChoice: { type: choice['type'] } };
    case 'any':
      return { toolChoice: { type: 'required' } };
    case 'tool':
      return { toolChoice: { type: 'tool', toolName: asText(choice['name']) } };
    default:
      return {};
  }
}
