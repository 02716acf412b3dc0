import { expect, it, vi } from 'vitest';
import { print } from './terminal.ts';

function printed(text: string): string {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    print(text);
    return String(write.mock.calls[0]?.[0]);
  } finally {
    write.mockRestore();
  }
}

it('JSON is read as it was written, and a text commands no terminal', () => {
  const reason = 'a\u001B[2Jb\u007Fc\u009B2Jd\re';
  const json = printed(JSON.stringify({ reason }, null, 2));
  expect(JSON.parse(json)).toEqual({ reason });
  for (const line of [json, printed(reason)]) expect(line).not.toMatch(/[^\P{Cc}\n]/u);
});
