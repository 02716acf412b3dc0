import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { serviceNameSchema } from '../../src/contracts/api.ts';
import { definitionOf, metricDefinitions, type MetricName } from '../../src/platform/telemetry/definitions/all.ts';
import { createMetrics } from '../../src/platform/telemetry/metrics.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { type Exposition, readExposition } from '../support/exposition.ts';
import { readExpression } from '../support/promql.ts';
import { patience } from './requests.ts';

/** The dashboard and the alerts of `deploy/grafana`, held against what the running system shows. */

const folder = new URL('../../deploy/grafana/', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, folder), 'utf8');

const dashboard = z
  .object({
    panels: z.array(
      z.object({
        title: z.string(),
        targets: z.array(z.object({ expr: z.string(), legendFormat: z.string() })).default([]),
      }),
    ),
    templating: z.object({ list: z.array(z.object({ name: z.string(), definition: z.string().optional() })) }),
  })
  .parse(JSON.parse(read('dashboards/signalbox.json')));

const alerts = z
  .object({
    groups: z.array(
      z.object({
        rules: z.array(
          z.object({
            alert: z.string(),
            expr: z.string(),
            for: z.string(),
            labels: z.object({ severity: z.enum(['critical', 'warning', 'info']) }),
            annotations: z.object({ summary: z.string(), runbook_url: z.string() }),
          }),
        ),
      }),
    ),
  })
  .parse(parse(read('prometheus/alerts.yaml')))
  .groups.flatMap(({ rules }) => rules);

/** Added by Prometheus to every series. */
const targetLabels = new Set(['instance', 'job']);

let app: TestApp;
let shown: Exposition;

beforeAll(async () => {
  app = await startTestApp({
    config: {
      demo: { enabled: true, requests_per_second: 50 },
      routing: { quality_floor: 0.9 },
      // Nobody listens there: what is shown only with a collector is shown without one that takes anything.
      telemetry: { otlp: { endpoint: 'http://127.0.0.1:9', timeout_ms: 100 } },
    },
    metrics: createMetrics({ collectProcess: true }),
  });
  await vi.waitFor(async () => {
    shown = await everythingShown();
    for (const name of ['signalbox_router_time_to_first_token_seconds_bucket', 'signalbox_events_consumed_total']) {
      if ((shown.get(name)?.size ?? 0) === 0) throw new Error(`${name} has no series yet`);
    }
  }, patience);
});
afterAll(() => app.stop());

async function everythingShown(): Promise<Exposition> {
  const texts = await Promise.all(
    serviceNameSchema.options.map(async (service) => (await fetch(`${app.url(service)}/metrics`)).text()),
  );
  return readExposition(texts.join('\n'));
}

/** What an expression asks for that nobody shows. */
function missingFrom(expression: string, saidLabels: readonly string[] = []): string[] {
  const used = readExpression(
    expression.replaceAll('$__rate_interval', '5m').replaceAll('$__range', '1h').replaceAll('"$instance"', '".*"'),
  ).filter(({ name }) => name !== 'up');
  const known = new Set(used.flatMap(({ name }) => [...labelsOf(name)]));
  return [
    ...used.filter(({ name }) => !shown.has(name)).map(({ name }) => name),
    ...used.flatMap(({ name, labels }) =>
      [...labels].filter((label) => !labelsOf(name).has(label)).map((label) => `${name}{${label}}`),
    ),
    ...saidLabels.filter((label) => used.length > 0 && !known.has(label)),
  ];
}

/** Of its series; of a metric that has none yet, those that it is declared with. */
function labelsOf(name: string): Set<string> {
  const seen = shown.get(name) ?? new Set();
  const family =
    name.replace(/_(?:bucket|sum|count)$/, '') in metricDefinitions ? name.replace(/_(?:bucket|sum|count)$/, '') : name;
  const declared = family in metricDefinitions ? definitionOf(family as MetricName).labels : [];
  return new Set([...targetLabels, ...(seen.size > 0 ? seen : [...declared, 'le'])]);
}

test('every query of the dashboard asks for what is shown', () => {
  const queries = dashboard.panels.flatMap(({ title, targets }) => targets.map((target) => ({ title, ...target })));
  expect(queries.length).toBeGreaterThan(60);
  const missing = queries.flatMap(({ title, expr, legendFormat }) => {
    const said = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label);
    return missingFrom(expr, said).map((what) => `${title}: ${what}`);
  });
  expect(missing).toEqual([]);
  for (const { definition } of dashboard.templating.list) {
    const [, name = '', label = ''] = /^label_values\((\w+), (\w+)\)$/.exec(definition ?? '') ?? [];
    expect(definition === undefined ? [] : missingFrom(`${name}{${label}="x"}`)).toEqual([]);
  }
});

test('every alert asks for what is shown, and the page on operations says what to do', () => {
  const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
  const headings = new Set([...page.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading));
  const missing = alerts.flatMap(({ alert, expr, annotations }) => {
    const said = [...annotations.summary.matchAll(/\$labels\.(\w+)/g)].map(([, label = '']) => label);
    return missingFrom(expr, said).map((what) => `${alert}: ${what}`);
  });
  expect(missing).toEqual([]);
  expect(alerts.filter(({ alert }) => !headings.has(alert)).map(({ alert }) => alert)).toEqual([]);
  for (const { alert, annotations } of alerts) {
    expect(annotations.runbook_url).toBe(`docs/operations.md#${alert.toLowerCase()}`);
  }
  expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length);
});

test('a query for what is not shown is found', () => {
  expect(missingFrom('sum(rate(signalbox_router_attempts_totals[5m]))')).toEqual(['signalbox_router_attempts_totals']);
  expect(missingFrom('sum by (models) (signalbox_router_attempts_total{provider="x"})')).toEqual([
    'signalbox_router_attempts_total{models}',
  ]);
  expect(missingFrom('signalbox_router_attempts_total', ['key'])).toEqual(['key']);
  expect(() => missingFrom('sum(rate(signalbox_router_attempts_total[5m])')).toThrow('not PromQL');
});

test('everything that is declared is shown, and nothing else of ours', () => {
  const families = [...shown.keys()]
    .filter((name) => name.startsWith('signalbox_') && !/_(?:sum|count)$/.test(name))
    .map((name) => name.replace(/_bucket$/, ''));
  expect(new Set(families)).toEqual(new Set(Object.keys(metricDefinitions)));
});
