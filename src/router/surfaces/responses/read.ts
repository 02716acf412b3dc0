import type { Capability, Modality } from '../../../contracts/model.ts';
import type { ResponseItem, ResponsesRequest } from '../../../contracts/openai.ts';
import { charactersOf, createPromptBuilder, type Prompt } from '../../classify/prompt.ts';
import { readRoutingFields } from '../routing-fields.ts';
import { type Body, isObject, type RequestReading } from '../surface.ts';
import { asText } from '../translation.ts';

const modalityOfPart: ReadonlyMap<unknown, Modality> = new Map([
  ['input_image', 'image'],
  ['input_audio', 'audio'],
  ['input_file', 'file'],
]);

export function readResponses(value: Body): RequestReading {
  const body = value as ResponsesRequest;
  const required: Capability[] = [];
  if (body.stream === true) required.push('streaming');
  if ((body.tools ?? []).length > 0) required.push('function_calling');
  const format = isObject(body['text']) ? body['text']['format'] : null;
  if (isObject(format) && format['type'] === 'json_schema') required.push('structured_output');
  return {
    model: body.model,
    stream: body.stream === true,
    prompt: promptOf(body),
    maxOutputTokens: body.max_output_tokens ?? null,
    requiredCapabilities: required,
    nativeOnly: nativeFeature(body),
    ...readRoutingFields(body),
    previousAnswerId: body.previous_response_id ?? null,
  };
}

function promptOf(body: ResponsesRequest): Prompt {
  const builder = createPromptBuilder();
  if (typeof body.instructions === 'string' && body.instructions !== '')
    builder.addMessage('system', body.instructions);
  const { input } = body;
  if (typeof input === 'string') builder.addMessage('user', input);
  else {
    for (const item of input ?? []) {
      builder.addMessage(item.role ?? 'tool', textOf(item));
      for (const part of partsOf(item.content ?? item['output'])) {
        const modality = modalityOfPart.get(part['type']);
        if (modality !== undefined) builder.addInput(modality);
      }
    }
  }
  const tools = body.tools ?? [];
  return builder.build(tools.length, charactersOf(tools));
}

function textOf(item: ResponseItem): string {
  const content = item.content ?? item['output'] ?? item['arguments'];
  if (typeof content === 'string') return content;
  return partsOf(content)
    .map((part) => asText(part['text']))
    .join('\n');
}

function partsOf(content: unknown): Record<string, unknown>[] {
  return Array.isArray(content) ? content.filter(isObject) : [];
}

/** Items that a translation can express; all others refer to what OpenAI keeps or runs. */
const translatableItems: ReadonlySet<string> = new Set([
  'message',
  'function_call',
  'function_call_output',
  'reasoning',
]);

/** What OpenAI's own servers alone can do. */
function nativeFeature(body: ResponsesRequest): string | null {
  for (const field of ['previous_response_id', 'conversation', 'prompt'] as const) {
    if (body[field] !== undefined && body[field] !== null) return field;
  }
  if (body['background'] === true) return 'background';
  if ((body.tools ?? []).some((tool) => tool.type !== 'function')) return 'tools';
  if (isObject(body['tool_choice']) && body['tool_choice']['type'] !== 'function') return 'tool_choice';
  const items = Array.isArray(body.input) ? body.input : [];
  return items.some((item) => !translatableItems.has(item.type ?? 'message')) ? 'input' : null;
}
