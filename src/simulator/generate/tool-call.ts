import type { Random } from '../../statistics/random.ts';
import { normalisePrompt, type GenerationRequest, type Tool } from './request.ts';
import { type SchemaHints, valueForSchema } from './schema-value.ts';

export interface ToolCall {
  name: string;
  argumentsJson: string;
}

const maxParallelCalls = 4;
const commonWords = new Set(['with', 'that', 'this', 'from', 'what', 'when', 'into', 'find', 'look', 'give', 'tool']);

/** What the prompt says that could be the values of arguments. */
function hintsFrom(prompt: string): SchemaHints {
  const words = prompt.slice(0, 4000).match(/[\p{L}\p{N}][\p{L}\p{N}'-]*/gu) ?? [];
  return {
    // The first word of a sentence is capitalised whatever it is.
    properNames: words.slice(1).filter((word) => /^\p{Lu}\p{Ll}/u.test(word)),
    words: new Set(words.map((word) => word.toLowerCase())),
  };
}

/** Whether a prompt asks for this tool: by its name, or by a telling word of it such as `weather` of `get_weather`. */
function asksFor(prompt: string, tool: Tool): boolean {
  const name = tool.name.toLowerCase();
  if (prompt.includes(name) || prompt.includes(name.replace(/[_-]+/g, ' '))) return true;
  const words = tool.name
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word.length >= 4 && !commonWords.has(word));
  return words.some((word) => prompt.includes(word));
}

function chooseTools(request: GenerationRequest): Tool[] {
  const { tools, toolChoice } = request;
  const [first] = tools;
  if (first === undefined || toolChoice.mode === 'none') return [];
  if (toolChoice.mode === 'named') return tools.filter((tool) => tool.name === toolChoice.name).slice(0, 1);
  if (toolChoice.mode === 'auto' && request.toolResult !== undefined) return [];
  const prompt = normalisePrompt(request.prompt);
  const asked = tools.filter((tool) => asksFor(prompt, tool));
  if (asked.length > 0) return asked.slice(0, request.parallelTools ? maxParallelCalls : 1);
  const insists = toolChoice.mode === 'required' || /\b(use|call|run|invoke)\b.*\btools?\b/.test(prompt.slice(0, 4000));
  return insists ? [first] : [];
}

/** The calls with which a model answers this request: none when it should answer in words. */
export function chooseToolCalls(request: GenerationRequest, random: Random): ToolCall[] {
  const hints = hintsFrom(request.prompt);
  return chooseTools(request).map((tool) => ({
    name: tool.name,
    argumentsJson: JSON.stringify(valueForSchema({ type: 'object', ...tool.parameters }, hints, random)),
  }));
}
