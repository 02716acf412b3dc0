import type { AnthropicMessage, ContentBlock, MessagesRequest } from '../../../contracts/anthropic.ts';
import type { Capability } from '../../../contracts/model.ts';
import { charactersOf, createPromptBuilder, type Prompt, type PromptBuilder } from '../../classify/prompt.ts';
import { readRoutingFields } from '../routing-fields.ts';
import { type Body, isObject, type RequestReading } from '../surface.ts';

export function readMessages(value: Body): RequestReading {
  const body = value as MessagesRequest;
  const required: Capability[] = [];
  if (body.stream === true) required.push('streaming');
  if ((body.tools ?? []).length > 0) required.push('function_calling');
  const { metadata } = body;
  const userId = isObject(metadata) ? metadata['user_id'] : null;
  const routing = readRoutingFields(body);
  return {
    model: body.model,
    stream: body.stream === true,
    prompt: promptOfMessages(body),
    maxOutputTokens: body.max_tokens,
    requiredCapabilities: required,
    nativeOnly: nativeFeature(body),
    ...routing,
    // Coding agents name their session here.
    sessionId: routing.sessionId ?? (typeof userId === 'string' && userId.includes('session') ? userId : null),
  };
}

export function promptOfMessages(body: Pick<MessagesRequest, 'system' | 'messages' | 'tools'>): Prompt {
  const builder = createPromptBuilder();
  if (body.system !== null && body.system !== undefined) addMessage(builder, 'system', body.system);
  for (const { role, content } of body.messages) addMessage(builder, role, content);
  const tools = body.tools ?? [];
  return builder.build(tools.length, charactersOf(tools));
}

function addMessage(builder: PromptBuilder, role: string, content: AnthropicMessage['content']): void {
  if (typeof content === 'string') {
    builder.addMessage(role, content);
    return;
  }
  // What a tool answered is no question of the user.
  const isAnswerOfTool = content.length > 0 && content.every((block) => block.type === 'tool_result');
  builder.addMessage(isAnswerOfTool ? 'tool' : role, content.map(textOfBlock).join('\n'));
  for (const block of content) addInputs(builder, block);
}

function addInputs(builder: PromptBuilder, block: ContentBlock): void {
  if (block.type === 'image') builder.addInput('image');
  if (block.type === 'document') builder.addInput('file');
  if (block.type === 'tool_result' && Array.isArray(block['content'])) {
    for (const inner of block['content']) if (isObject(inner) && inner['type'] === 'image') builder.addInput('image');
  }
}

function textOfBlock(block: ContentBlock): string {
  if (typeof block['text'] === 'string') return block['text'];
  if (typeof block['thinking'] === 'string') return block['thinking'];
  const { content } = block;
  if (typeof content === 'string') return content;
  if (Array.isArray(content)) {
    return content
      .map((inner: unknown) => (isObject(inner) && typeof inner['text'] === 'string' ? inner['text'] : ''))
      .join('\n');
  }
  return block.type === 'tool_use' ? JSON.stringify(block['input'] ?? {}) : '';
}

/** Tools that the client itself runs; all other kinds run at Anthropic. */
const clientTools: ReadonlySet<unknown> = new Set([undefined, null, 'custom']);

/** What Anthropic's dialect alone can ask for. */
function nativeFeature(body: MessagesRequest): string | null {
  if (Array.isArray(body['mcp_servers']) && body['mcp_servers'].length > 0) return 'mcp_servers';
  if (body['container'] !== undefined && body['container'] !== null) return 'container';
  return (body.tools ?? []).some((tool) => !clientTools.has(tool['type'])) ? 'tools' : null;
}
