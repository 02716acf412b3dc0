import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { cruise, type IConfiguration, type ICruiseResult } from 'dependency-cruiser';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const { forbidden, options } = JSON.parse(
  readFileSync(new URL('../../.dependency-cruiser.json', import.meta.url), 'utf8'),
) as IConfiguration;

async function violations(baseDir: string): Promise<{ modules: number; broken: string[] }> {
  const { output } = await cruise(['src'], {
    ...options,
    baseDir,
    validate: true,
    ruleSet: { forbidden: forbidden ?? [] },
  });
  const { modules, summary } = output as ICruiseResult;
  return {
    modules: modules.length,
    broken: summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`),
  };
}

test('imports point down only', async () => {
  const { modules, broken } = await violations(root);
  expect(modules).toBeGreaterThan(100);
  expect(broken).toEqual([]);
});

test('the rules fire on planted violations', async () => {
  const { broken } = await violations(fileURLToPath(new URL('planted/', import.meta.url)));
  expect(broken.sort()).toEqual([
    'opentelemetry-is-loaded-late: src/platform/telemetry/violation.ts → src/platform/telemetry/otlp/sdk.ts',
    'pure-layers-stay-pure: src/router/select/violation.ts → src/central/thing.ts',
    'pure-layers-stay-pure: src/router/select/violation.ts → src/platform/store/table.ts',
    'services-do-not-know-each-other: src/router/select/violation.ts → src/central/thing.ts',
    'words-import-nothing: src/contracts/violation.ts → src/router/select/violation.ts',
  ]);
});
