import type { Capability, Modality } from '../../../contracts/model.ts';
import type { ChatCompletionRequest, ChatMessage } from '../../../contracts/openai.ts';
import { charactersOf, createPromptBuilder, type Prompt } from '../../classify/prompt.ts';
import { readRoutingFields } from '../routing-fields.ts';
import type { Body, RequestReading } from '../surface.ts';
import { isObject } from '../surface.ts';

const modalityOfPart: ReadonlyMap<string, Modality> = new Map([
  ['image_url', 'image'],
  ['input_audio', 'audio'],
  ['video_url', 'video'],
  ['file', 'file'],
]);

export function readChat(value: Body): RequestReading {
  const body = value as ChatCompletionRequest;
  const required: Capability[] = [];
  if (body.stream === true) required.push('streaming');
  if ((body.tools ?? []).length > 0) required.push('function_calling');
  if (isObject(body['response_format']) && body['response_format']['type'] === 'json_schema') {
    required.push('structured_output');
  }
  return {
    model: body.model,
    stream: body.stream === true,
    prompt: promptOf(body),
    maxOutputTokens: body.max_completion_tokens ?? body.max_tokens ?? null,
    requiredCapabilities: required,
    nativeOnly: nativeFeature(body),
    ...readRoutingFields(body),
  };
}

function promptOf(body: ChatCompletionRequest): Prompt {
  const builder = createPromptBuilder();
  for (const message of body.messages) {
    builder.addMessage(message.role, textOf(message));
    if (!Array.isArray(message.content)) continue;
    for (const part of message.content) {
      const modality = modalityOfPart.get(part.type);
      if (modality !== undefined) builder.addInput(modality);
    }
  }
  const tools = body.tools ?? [];
  return builder.build(tools.length, charactersOf(tools));
}

function textOf({ content }: ChatMessage): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.map((part) => (typeof part['text'] === 'string' ? part['text'] : '')).join('\n');
}

/** All that is said in a conversation, as a text. */
export function questionOf(value: Body): string {
  const { messages } = value as ChatCompletionRequest;
  const [only] = messages;
  if (messages.length === 1 && only !== undefined) return textOf(only);
  return messages.map((message) => `${message.role}: ${textOf(message)}`).join('\n\n');
}

/** What OpenAI's dialect alone can ask for. */
function nativeFeature(body: ChatCompletionRequest): string | null {
  if ((body.n ?? 1) > 1) return 'n';
  if (body['logprobs'] === true) return 'logprobs';
  if (isObject(body['logit_bias']) && Object.keys(body['logit_bias']).length > 0) return 'logit_bias';
  if (isObject(body['audio'])) return 'audio';
  if (isObject(body['web_search_options'])) return 'web_search_options';
  if (Array.isArray(body['functions']) && body['functions'].length > 0) return 'functions';
  if (isObject(body['tool_choice']) && body['tool_choice']['type'] !== 'function') return 'tool_choice';
  return (body.tools ?? []).some((tool) => tool.type !== 'function') ? 'tools' : null;
}
