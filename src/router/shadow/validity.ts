import type { Check } from '../../contracts/race-options.ts';
import { messageOf } from '../surfaces/chat/assemble.ts';
import { type Body, isObject } from '../surfaces/surface.ts';
import type { Verifier } from '../verify/verifier.ts';

/** What a request demands of the form of its answer. */
export interface Form {
  /** JSON Schema of the text; null: any text. */
  text: Check | null;
  /** By name; the arguments of each function that may be called. */
  calls: ReadonlyMap<string, Check>;
}

/** Null where the request demands none. */
export function formOf(body: Body): Form | null {
  const format = body['response_format'];
  const wanted = isObject(format) && format['type'] === 'json_schema' ? format['json_schema'] : null;
  const schema = isObject(wanted) ? wanted['schema'] : null;
  const tools = Array.isArray(body['tools']) ? (body['tools'] as unknown[]) : [];
  const calls = new Map<string, Check>();
  for (const tool of tools) {
    const named = isObject(tool) && tool['type'] === 'function' ? tool['function'] : null;
    if (!isObject(named) || typeof named['name'] !== 'string') continue;
    const parameters = isObject(named['parameters']) ? named['parameters'] : {};
    calls.set(named['name'], { type: 'json_schema', schema: parameters });
  }
  if (!isObject(schema) && calls.size === 0) return null;
  return { text: isObject(schema) ? { type: 'json_schema', schema } : null, calls };
}

/** Whether the completion has the form. What cannot be checked, because its schema is none, has it. */
export async function hasForm(document: Body, form: Form, verifier: Verifier): Promise<boolean> {
  const { text, calls } = outputOf(document);
  for (const { name, given } of calls) {
    const check = form.calls.get(name);
    if (check === undefined) return false;
    // The verifier finds JSON within a text; arguments have to be nothing else.
    if (!isJsonObject(given) || !(await passes(given, check, verifier))) return false;
  }
  if (form.text === null || (calls.length > 0 && text === '')) return true;
  return await passes(text, form.text, verifier);
}

async function passes(text: string, check: Check, verifier: Verifier): Promise<boolean> {
  try {
    await verifier.accepts([check]);
  } catch {
    return true;
  }
  return (await verifier.verify([check], text)) === null;
}

function outputOf(document: Body): { text: string; calls: ReadonlyArray<{ name: string; given: string }> } {
  const message = messageOf(document);
  const calls = Array.isArray(message['tool_calls']) ? (message['tool_calls'] as unknown[]) : [];
  return {
    text: typeof message['content'] === 'string' ? message['content'] : '',
    calls: calls.flatMap((call) => {
      // Calls of custom tools hold free text.
      const named = isObject(call) && call['type'] !== 'custom' ? call['function'] : null;
      if (!isObject(named)) return [];
      const { name, arguments: given } = named;
      return [{ name: typeof name === 'string' ? name : '', given: typeof given === 'string' ? given : '' }];
    }),
  };
}

function isJsonObject(text: string): boolean {
  // Functions without parameters are called with nothing by some.
  if (text.trim() === '') return true;
  try {
    return isObject(JSON.parse(text));
  } catch {
    return false;
  }
}
