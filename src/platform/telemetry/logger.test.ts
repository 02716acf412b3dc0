import { expect, test } from 'vitest';
import { createLeveledLogger } from './logger.ts';

test('whatever a text holds, it is one line that says nothing to a terminal', () => {
  const written: string[] = [];
  const { log } = createLeveledLogger({ level: 'info' }, { write: (line) => void written.push(line) });
  const hostile = 'gpt\r\n{"level":"fatal"}\u001b[2J\u009b2J\u007f\0\u2028\u202e"\\';
  log.info({ model: hostile, err: new Error(hostile) }, hostile);
  expect(written).toHaveLength(1);
  const [line = ''] = written;
  expect(line).toMatch(/^[^\p{Cc}\u2028\u2029\u202e]+\n$/u);
  expect(JSON.parse(line)).toMatchObject({ model: hostile, msg: hostile, err: { message: hostile } });
});
