import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { shippedPrior } from '../src/prediction/prior.ts';

const root = new URL('../', import.meta.url);

test('the package holds what the program reads beside its code, where it looks for it', async () => {
  const { stdout } = await promisify(execFile)('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: fileURLToPath(root),
  });
  const [packed] = z.array(z.object({ files: z.array(z.object({ path: z.string() })) })).parse(JSON.parse(stdout));
  const paths = packed?.files.map(({ path }) => path) ?? [];
  expect(paths).toContain(shippedPrior.href.slice(root.href.length));
  expect(paths).toContain('migrations/000001_catalogue.sql');
  expect(paths).toContain('dist/web/index.html');
});
