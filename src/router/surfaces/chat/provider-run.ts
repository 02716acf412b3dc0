import type { Body } from '../surface.ts';

/** Fields by which OpenAI, OpenRouter and xAI are told to search. */
const searchFields = ['web_search_options', 'plugins', 'search_parameters'] as const;

/**
 * Where a chat completion asks for a tool that its provider runs itself, as a path in the body; null where it asks for none.
 * Functions are none: whoever is given the answer runs those.
 */
export function providerRunTool(body: Body): string | null {
  const tools = Array.isArray(body['tools']) ? (body['tools'] as Array<{ type?: unknown }>) : [];
  const index = tools.findIndex(({ type }) => type !== 'function' && type !== 'custom');
  if (index !== -1) return `tools[${index}]`;
  return searchFields.find((name) => body[name] !== undefined && body[name] !== null) ?? null;
}
