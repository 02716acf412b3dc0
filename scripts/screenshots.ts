/**
 * `npm run screenshots`: photographs the dashboard over a demo of its own for the documents, and prints how soon its first
 * view is there.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { sleep } from '../src/platform/core/clock.ts';
import { startEmbeddedPostgres } from '../src/platform/postgres/embedded.ts';
import { createPool } from '../src/platform/postgres/pool.ts';
import { silentLogger } from '../src/platform/telemetry/logger.ts';
import { launchBrowser } from '../test/support/browser.ts';
import { addRacesAndKeys, addressOf, addUpgrades, busy, startDemo } from '../test/support/dashboard.ts';

const images = fileURLToPath(new URL('../docs/images/', import.meta.url));
/** Minutes of traffic, so that lines over time are lines. */
const trafficMs = 4 * 60_000;
const measurements = 5;

const log = silentLogger();
const folder = await mkdtemp(path.join(tmpdir(), 'signalbox-screenshots-'));
const postgres = await startEmbeddedPostgres({ dataDir: folder, log });
const { connectionString } = postgres;
try {
  const app = await startDemo({
    connectionString,
    config: { ...busy, registry: { refresh_ms: 3_600_000 }, instance_id: 'router-1' },
  });
  const pool = createPool({ connectionString, applicationName: 'screenshots', max: 2, log });
  const browser = await launchBrowser();
  const origin = addressOf(app, 'central');
  try {
    await addRacesAndKeys(addressOf(app, 'router'), origin);
    console.log(`Traffic for ${trafficMs / 60_000} minutes …`);
    await sleep(trafficMs);
    await addUpgrades(pool, addressOf(app, 'upgrade'));
    await sleep(3000);
    await photograph(browser, origin);
    await measureFirstView(browser, origin);
  } finally {
    await browser.close();
    await app.stop();
    await pool.end();
  }
} finally {
  await postgres.stop();
  await rm(folder, { recursive: true, force: true });
}

async function photograph(browser: Browser, origin: string): Promise<void> {
  await mkdir(images, { recursive: true });
  const wide = { width: 1440, height: 900 };
  const light = await openPage(browser, 'light', wide);
  const dark = await openPage(browser, 'dark', wide);
  const phone = await openPage(browser, 'dark', { width: 375, height: 760 });

  await show(light, `${origin}/`);
  await light.getByText('Net savings').first().waitFor();
  await shoot(light, 'overview');
  await show(phone, `${origin}/`);
  await shoot(phone, 'overview-phone');
  await show(dark, `${origin}/#/models`);
  await shoot(dark, 'models');
  await show(light, `${origin}/#/decisions?complexity=complex`);
  await light.locator('tbody tr').filter({ hasText: 'auto' }).getByRole('link').first().click();
  await light.getByRole('table', { name: /^Candidates/ }).waitFor();
  await shoot(light, 'decision');
  await show(dark, `${origin}/#/upgrades`);
  await dark.getByRole('link', { name: 'new-2' }).first().click();
  await dark.getByRole('table', { name: 'Tests of this rollout' }).waitFor();
  await shoot(dark, 'upgrade');
}

async function openPage(
  browser: Browser,
  colorScheme: 'light' | 'dark',
  viewport: { width: number; height: number },
): Promise<Page> {
  const context = await browser.newContext({ colorScheme, viewport });
  return context.newPage();
}

async function show(page: Page, url: string): Promise<void> {
  await page.goto(url);
  // The live connection never ends, so that the network is never idle; pictures come after the numbers.
  await sleep(2500);
}

async function shoot(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: path.join(images, `${name}.png`) });
  console.log(`docs/images/${name}.png`);
}

/** With nothing kept by the browser: until anything is seen, and until the numbers are there. */
async function measureFirstView(browser: Browser, origin: string): Promise<void> {
  for (let round = 0; round < measurements; round += 1) {
    const context = await browser.newContext();
    const page = await context.newPage();
    const startedMs = performance.now();
    await page.goto(origin, { waitUntil: 'commit' });
    await page.locator('.stat-value').first().waitFor();
    const numbersMs = performance.now() - startedMs;
    const paintMs = await page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime");
    console.log(`first paint ${Math.round(Number(paintMs))} ms, numbers ${Math.round(numbersMs)} ms`);
    await context.close();
  }
}
