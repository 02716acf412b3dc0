import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { messageOf } from '../core/errors.ts';
import { isRecord } from './record.ts';

/** The content of a YAML file, and where in it things are. */
export interface YamlFile {
  /** Empty where nothing can be read. */
  values: Record<string, unknown>;
  /** Why it cannot be read; empty where it can. */
  errors: ReadonlyArray<{ message: string; line: number | null }>;
  /** The line of a setting, or of what holds it where it is not there; null for what is not in the file. */
  lineOf(path: readonly PropertyKey[]): number | null;
}

export const emptyYamlFile: YamlFile = { values: {}, errors: [], lineOf: () => null };

export function readYaml(text: string): YamlFile {
  const lines = new LineCounter();
  // Messages of one line, for they quote what is around otherwise.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const lineAt = (offset: number | undefined): number | null =>
    offset === undefined ? null : lines.linePos(offset).line;

  function lineOf(path: readonly PropertyKey[]): number | null {
    let node: Node | null = document.contents;
    let line: number | null = null;
    for (const step of path) {
      if (isMap(node)) {
        const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
        if (pair === undefined) return line;
        line = lineAt((pair.key as Node).range?.[0]) ?? line;
        node = pair.value as Node | null;
      } else if (isSeq(node)) {
        node = (node.items[Number(step)] ?? null) as Node | null;
        line = lineAt(node?.range?.[0]) ?? line;
      } else return line;
    }
    return line;
  }

  const errors = document.errors.map(({ message, pos }) => ({ message: withoutQuotes(message), line: lineAt(pos[0]) }));
  if (errors.length > 0) return { values: {}, errors, lineOf };
  try {
    const content: unknown = document.toJS();
    if (content === null || content === undefined) return { values: {}, errors, lineOf };
    if (isRecord(content)) return { values: content, errors, lineOf };
    return { values: {}, errors: [{ message: 'must hold keys and values', line: 1 }], lineOf };
  } catch (error) {
    return { values: {}, errors: [{ message: withoutQuotes(messageOf(error)), line: null }], lineOf };
  }
}

/** Messages may quote what they stumbled over, after a colon or a backslash, and that may be a key. */
function withoutQuotes(message: string): string {
  return message.replace(/(: |\\).*/s, '');
}
