import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const built = fileURLToPath(new URL('../dist/web/', import.meta.url));
const mostBytes = 300_000;

test('the whole dashboard weighs less than 300 kB as it is sent, and each of its files lies there compressed', async () => {
  const names = (await readdir(built, { recursive: true })).filter((name) => /\.(?:html|js|css|svg)$/.test(name));
  expect(names).toContain('index.html');
  const sizes = await Promise.all(names.map(async (name) => (await stat(path.join(built, `${name}.gz`))).size));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  expect(total).toBeGreaterThan(0);
  expect(total).toBeLessThan(mostBytes);
});

test('no schema is sent to browsers, only what is made of its type', async () => {
  const names = (await readdir(built, { recursive: true })).filter((name) => name.endsWith('.js'));
  const scripts = await Promise.all(names.map((name) => readFile(path.join(built, name), 'utf8')));
  expect(scripts.join('')).toContain('Signalbox');
  expect(scripts.join('')).not.toMatch(/ZodError|invalid_type/);
});
