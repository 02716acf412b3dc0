import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { environmentVariables, telemetryVariables } from '../src/platform/config/environment.ts';
import { describeConfig } from '../src/platform/config/reference.ts';
import { describeMetrics } from '../src/platform/telemetry/reference.ts';
import { errorCatalogue } from '../src/platform/core/errors.ts';
import { skipReasons } from '../src/router/shadow/skipped.ts';
import { providerDefinitions } from '../src/platform/providers/definitions.ts';

const root = new URL('../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');

test('docs/errors.md lists exactly the codes that there are, with their status and type', () => {
  const rows = [...read('docs/errors.md').matchAll(/^\| `(\w+)` \| (\d+) \| `(\w+)` \|/gm)];
  const documented = Object.fromEntries(rows.map(([, code, status, type]) => [code, { status: Number(status), type }]));
  expect(documented).toEqual(errorCatalogue);
});

test('docs/configuration.md holds the reference that the schema gives', () => {
  expect(read('docs/configuration.md')).toContain(describeConfig());
});

test('docs/metrics.md holds the reference that the definitions give', () => {
  expect(read('docs/metrics.md'), 'npm run docs:metrics writes it').toContain(describeMetrics());
});

test('docs/upgrades.md says why requests are not copied, in the order in which it is looked at', () => {
  const [, table = ''] = read('docs/upgrades.md').split('| `reason` |');
  const [rows = ''] = table.split('\n\n');
  expect([...rows.matchAll(/^\| `(\w+)`/gm)].map(([, reason]) => reason)).toEqual([...skipReasons]);
});

test('docs/configuration.md names every environment variable', () => {
  const text = read('docs/configuration.md');
  const names = [
    ...[...environmentVariables, ...telemetryVariables].map(([name]) => name),
    ...Object.values(providerDefinitions).flatMap((definition) => [
      ...definition.apiKeyVariables,
      ...(definition.baseUrlVariable === null ? [] : [definition.baseUrlVariable]),
    ]),
  ];
  for (const name of names) expect(text).toContain(`\`${name}\``);
});

describe('links between the documents', () => {
  const documents = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md']
    .concat(
      readdirSync(new URL('docs/', root))
        .filter((name) => name.endsWith('.md'))
        .map((name) => `docs/${name}`),
    )
    .concat(readdirSync(new URL('docs/decisions/', root)).map((name) => `docs/decisions/${name}`));

  test.each(documents)('%s', (document) => {
    const links = [...read(document).matchAll(/\]\((?!https?:|#)([^)#]+)(#[^)]*)?\)/g)].map(
      ([, target = '']) => target,
    );
    for (const link of links) {
      expect(() => readdirSync(new URL(`${document}/../${link}`, root)), `${document} → ${link}`).not.toThrow(/ENOENT/);
    }
  });
});
