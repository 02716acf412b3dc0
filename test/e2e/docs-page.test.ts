import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { createLiveConfig } from '../../src/platform/config/live.ts';
import { loadConfig } from '../../src/platform/config/load.ts';
import { createHttpService, type HttpService } from '../../src/platform/http/server.ts';
import { silentLogger } from '../../src/platform/telemetry/logger.ts';
import { createMetrics } from '../../src/platform/telemetry/metrics.ts';
import { launchBrowser } from '../support/browser.ts';

let browser: Browser;
let service: HttpService;

beforeAll(async () => {
  browser = await launchBrowser();
  service = createHttpService({
    service: 'router',
    description: 'A description to be read.',
    config: createLiveConfig(
      loadConfig({ env: {}, cwd: '/', flags: { ports: { router: 0 }, drain_timeout_ms: 1000 } }),
    ),
    log: silentLogger(),
    metrics: createMetrics(),
    checks: () => ({}),
    tags: [],
    routes(app) {
      const body = z.object({ query: z.string() });
      app.post('/thing', { schema: { summary: 'Does the thing', body } }, async () => 'ok');
    },
  });
  await service.start();
});
afterAll(async () => {
  await browser.close();
  await service.stop();
});

test('/docs shows the operations in a browser, without errors and without asking anybody else', async () => {
  const page = await browser.newPage();
  const problems: string[] = [];
  const elsewhere: string[] = [];
  const origin = `http://127.0.0.1:${service.port()}`;
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('request', (request) => {
    if (!request.url().startsWith(origin) && !request.url().startsWith('data:')) elsewhere.push(request.url());
  });

  await page.goto(`${origin}/docs`, { waitUntil: 'networkidle' });
  await page.getByText('A description to be read.').waitFor();
  await page.getByText('Does the thing').click();
  await page.getByRole('button', { name: 'Try it out' }).waitFor();
  expect(problems).toEqual([]);
  expect(elsewhere).toEqual([]);
});
