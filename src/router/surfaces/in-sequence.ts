import type { LanguageModelV3StreamPart } from '@ai-sdk/provider';
import { parseObject } from './surface.ts';

/**
 * The stream with its tool calls one after the other, for dialects that write one block at a time: what belongs to another
 * block while the input of a call is not complete waits until it is.
 */
export async function* inSequence(
  parts: AsyncIterable<LanguageModelV3StreamPart>,
): AsyncGenerator<LanguageModelV3StreamPart> {
  let open: { id: string; input: string } | null = null;
  let waiting: LanguageModelV3StreamPart[] = [];

  for await (const arrived of parts) {
    const due: LanguageModelV3StreamPart[] = [arrived];
    for (let part = due.shift(); part !== undefined; part = due.shift()) {
      if (open !== null && isElsewhere(part, open.id)) {
        if (part.type !== 'finish' && parseObject(open.input) === null) {
          waiting.push(part);
          continue;
        }
        const { id } = open;
        open = null;
        due.unshift({ type: 'tool-input-end', id }, ...waiting, part);
        waiting = [];
        continue;
      }
      yield part;
      if (part.type === 'tool-input-start') open = { id: part.id, input: '' };
      else if (part.type === 'tool-input-delta' && open !== null) open.input += part.delta;
      else if (part.type === 'tool-input-end') {
        open = null;
        due.unshift(...waiting);
        waiting = [];
      }
    }
  }
}

/** Whether the part belongs to another block, or to none because all blocks are over. */
function isElsewhere(part: LanguageModelV3StreamPart, openId: string): boolean {
  switch (part.type) {
    case 'text-start':
    case 'text-delta':
    case 'text-end':
    case 'reasoning-start':
    case 'reasoning-delta':
    case 'reasoning-end':
    case 'tool-input-start':
    case 'tool-input-delta':
    case 'tool-input-end':
      return part.id !== openId;
    case 'tool-call':
      return part.toolCallId !== openId;
    case 'finish':
      return true;
    default:
      return false;
  }
}
