import type {
  LanguageModelV3CallOptions,
  LanguageModelV3FilePart,
  LanguageModelV3FunctionTool,
  LanguageModelV3ReasoningPart,
} from '@ai-sdk/provider';
import { SignalboxError } from '../../platform/core/errors.ts';
import { isObject } from './surface.ts';

/** What the translations of all dialects have in common. */

export function untranslatable(path: string, problem: string, cause?: unknown): SignalboxError {
  return new SignalboxError('invalid_request', `${path}: ${problem}`, { param: path, cause });
}

/** A text of a request that may hold anything in its place. */
export function asText(value: unknown, otherwise = ''): string {
  return typeof value === 'string' ? value : otherwise;
}

/** A file by its data URL or its address. `defaultMediaType` holds where the address does not say what it is. */
export function toFilePart(
  location: unknown,
  defaultMediaType: string,
  path: string,
  filename?: unknown,
): LanguageModelV3FilePart {
  const named = typeof filename === 'string' ? { filename } : {};
  if (typeof location !== 'string') throw untranslatable(path, 'has no data');
  const inline = /^data:([^;,]+)(?:;[^;,]*)*;base64,(.*)$/s.exec(location);
  if (inline !== null) {
    return { type: 'file', mediaType: inline[1] ?? defaultMediaType, data: inline[2] ?? '', ...named };
  }
  if (isBase64(location)) return { type: 'file', mediaType: defaultMediaType, data: location, ...named };
  if (!/^https?:/i.test(location) || !URL.canParse(location)) {
    throw untranslatable(path, 'is neither an http(s) address nor base64 data');
  }
  return { type: 'file', mediaType: defaultMediaType, data: new URL(location), ...named };
}

function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text);
}

export function parseArguments(value: unknown, path: string): unknown {
  if (typeof value !== 'string' || value.trim() === '') return {};
  try {
    return JSON.parse(value);
  } catch (error) {
    throw untranslatable(path, 'is not valid JSON', error);
  }
}

export function toFunctionTool(
  tool: { name: unknown; description?: unknown; schema?: unknown; strict?: unknown },
  path: string,
): LanguageModelV3FunctionTool {
  if (typeof tool.name !== 'string') throw untranslatable(`${path}.name`, 'is missing');
  return {
    type: 'function',
    name: tool.name,
    ...(typeof tool.description === 'string' ? { description: tool.description } : {}),
    ...(typeof tool.strict === 'boolean' ? { strict: tool.strict } : {}),
    inputSchema: isObject(tool.schema) ? tool.schema : { type: 'object', properties: {} },
  };
}

export function jsonFormat(format: {
  schema?: unknown;
  name?: unknown;
  description?: unknown;
}): Pick<LanguageModelV3CallOptions, 'responseFormat'> {
  return {
    responseFormat: {
      type: 'json',
      ...(isObject(format.schema) ? { schema: format.schema } : {}),
      ...(typeof format.name === 'string' ? { name: format.name } : {}),
      ...(typeof format.description === 'string' ? { description: format.description } : {}),
    },
  };
}

/** Copies a number under the AI SDK's name, where there is one. */
export function numberOption<K extends keyof LanguageModelV3CallOptions>(value: unknown, to: K): { [P in K]?: number } {
  return typeof value === 'number' ? ({ [to]: value } as { [P in K]?: number }) : {};
}

/** Anthropic's mark of where a prompt's cached part ends, as its own adapter takes it; others ignore it. */
export function cacheOptions(value: unknown): {
  providerOptions?: { anthropic: { cacheControl: { type: 'ephemeral' } } };
} {
  if (!isObject(value)) return {};
  const cacheControl = {
    type: 'ephemeral' as const,
    ...(typeof value['ttl'] === 'string' ? { ttl: value['ttl'] } : {}),
  };
  return { providerOptions: { anthropic: { cacheControl } } };
}

/** Reasoning as the provider that signed it wants it back, under the names of all adapters that know signatures. */
export function signedReasoning(text: string, signature: string): LanguageModelV3ReasoningPart {
  return { type: 'reasoning', text, providerOptions: { anthropic: { signature }, bedrock: { signature } } };
}

/** The same of reasoning that its provider shows to nobody. */
export function hiddenReasoning(redactedData: string): LanguageModelV3ReasoningPart {
  return { type: 'reasoning', text: '', providerOptions: { anthropic: { redactedData }, bedrock: { redactedData } } };
}

/** The text of a message, of which nothing else may be part. */
export function textOfContent(content: unknown, path: string): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .map((part: unknown, index) => {
      const { type, text, refusal } = isObject(part) ? part : {};
      const said = text ?? refusal;
      if (typeof said !== 'string') throw untranslatable(`${path}.content[${index}]`, `cannot hold a ${String(type)}`);
      return said;
    })
    .join('');
}
