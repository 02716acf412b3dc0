import { type Body, isObject, parseObject } from '../surface.ts';

/** Makes a chat completion of the events of its stream. */
export interface CompletionAssembler {
  /** The data of the next event. */
  push(data: string): void;
  /** The text so far. */
  text(): string;
  /** Whether it answers: with text that is not blank, or a call. Reasoning and refusals are none. */
  answers(): boolean;
  /** The completion, as it would have come whole. Of several choices it has the first. Broken off, it has no reason to end. */
  document(): Record<string, unknown>;
}

/** Parts of a delta that are texts, to be joined. */
const textFields = ['content', 'refusal', 'reasoning_content', 'reasoning'] as const;
/** Parts of a delta that are lists, to be joined. */
const listFields = ['reasoning_details', 'annotations'] as const;

export function createCompletionAssembler(): CompletionAssembler {
  const top: Record<string, unknown> = {};
  const texts = new Map<string, string>();
  const lists = new Map<string, unknown[]>();
  const calls = new Map<number, Record<string, unknown>>();
  const logprobs = new Map<string, unknown[]>();
  let functionCall: Record<string, unknown> | null = null;
  let finishReason: unknown = null;

  function readDelta(delta: Record<string, unknown>): void {
    for (const field of textFields) {
      const piece = delta[field];
      if (typeof piece === 'string') texts.set(field, (texts.get(field) ?? '') + piece);
    }
    for (const field of listFields) {
      const pieces = delta[field];
      if (Array.isArray(pieces)) listOf(lists, field).push(...(pieces as unknown[]));
    }
    if (Array.isArray(delta['tool_calls'])) for (const call of delta['tool_calls']) readCall(call);
    if (isObject(delta['function_call'])) functionCall = joinFunction(functionCall, delta['function_call']);
  }

  function readCall(piece: unknown): void {
    if (!isObject(piece)) return;
    const index = typeof piece['index'] === 'number' ? piece['index'] : calls.size;
    const { function: named, index: _, ...rest } = piece;
    const known = calls.get(index) ?? {};
    const call = { ...known, ...withoutNulls(rest) };
    calls.set(index, isObject(named) ? { ...call, function: joinFunction(known['function'], named) } : call);
  }

  function readChoice(choice: unknown): void {
    if (!isObject(choice) || (choice['index'] ?? 0) !== 0) return;
    if (typeof choice['finish_reason'] === 'string') finishReason = choice['finish_reason'];
    if (isObject(choice['delta'])) readDelta(choice['delta']);
    if (!isObject(choice['logprobs'])) return;
    for (const [name, pieces] of Object.entries(choice['logprobs'])) {
      if (Array.isArray(pieces)) listOf(logprobs, name).push(...(pieces as unknown[]));
    }
  }

  return {
    push(data) {
      const chunk = data === '[DONE]' ? null : parseObject(data);
      if (chunk === null) return;
      // Some pad their chunks with random text, so that their length tells nothing.
      const { choices, obfuscation: _, ...rest } = chunk;
      Object.assign(top, withoutNulls(rest));
      if (Array.isArray(choices)) for (const choice of choices) readChoice(choice);
    },
    text: () => texts.get('content') ?? '',
    answers: () => calls.size > 0 || functionCall !== null || (texts.get('content') ?? '').trim() !== '',
    document() {
      const content = texts.get('content') ?? null;
      const message: Record<string, unknown> = { role: 'assistant', content, refusal: texts.get('refusal') ?? null };
      for (const field of ['reasoning_content', 'reasoning'] as const) {
        if (texts.has(field)) message[field] = texts.get(field);
      }
      for (const [field, items] of lists) message[field] = items;
      if (calls.size > 0)
        message['tool_calls'] = [...calls.entries()].sort(([a], [b]) => a - b).map(([, call]) => call);
      else if (functionCall === null) message['content'] ??= '';
      if (functionCall !== null) message['function_call'] = functionCall;
      return {
        ...top,
        object: 'chat.completion',
        choices: [
          {
            index: 0,
            message,
            finish_reason: finishReason,
            logprobs: logprobs.size === 0 ? null : Object.fromEntries(logprobs),
          },
        ],
      };
    },
  };
}

function listOf(lists: Map<string, unknown[]>, name: string): unknown[] {
  const list = lists.get(name) ?? [];
  lists.set(name, list);
  return list;
}

/** The arguments of a call come in pieces, its name at once. */
function joinFunction(known: unknown, piece: Record<string, unknown>): Record<string, unknown> {
  const before = isObject(known) ? known : {};
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  return {
    ...before,
    ...withoutNulls(piece),
    arguments: text(before['arguments']) + text(piece['arguments']),
  };
}

function withoutNulls(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null && member !== undefined));
}

/** What a completion answers: its text, or its tool calls where it has no text. */
export function answerText(document: Body): string {
  const message = messageOf(document);
  const { content, tool_calls: calls } = message;
  if (typeof content === 'string' && content !== '') return content;
  return Array.isArray(calls) && calls.length > 0 ? JSON.stringify(calls.map(nameAndArguments)) : '';
}

/** A call without its id, which is another one each time. */
function nameAndArguments(call: unknown): unknown {
  const named = isObject(call) && isObject(call['function']) ? call['function'] : {};
  const given = typeof named['arguments'] === 'string' ? named['arguments'] : '';
  return { name: named['name'], arguments: parseObject(given) ?? given };
}

/** Mean log probability of the tokens of a completion; null where it has none. */
export function meanLogprob(document: Body): number | null {
  const { logprobs } = choiceOf(document);
  const content = isObject(logprobs) ? logprobs['content'] : null;
  if (!Array.isArray(content)) return null;
  const values = content.flatMap((token) =>
    isObject(token) && typeof token['logprob'] === 'number' ? [token['logprob']] : [],
  );
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** What the first choice of a completion says; empty where there is none. */
export function messageOf(document: Body): Record<string, unknown> {
  const { message } = choiceOf(document);
  return isObject(message) ? message : {};
}

function choiceOf(document: Body): Record<string, unknown> {
  const [choice] = Array.isArray(document['choices']) ? (document['choices'] as unknown[]) : [];
  return isObject(choice) ? choice : {};
}
