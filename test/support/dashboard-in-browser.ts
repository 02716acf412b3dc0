import type { Browser, BrowserContextOptions } from 'playwright-core';
import type { Pool } from '../../src/platform/postgres/pool.ts';
import { launchBrowser, openPage, type WatchedPage } from './browser.ts';
import { addressOf, startDemo } from './dashboard.ts';
import { createTestDatabase } from './postgres.ts';

interface Started {
  pool: Pool;
  /** Where the page is. */
  origin: string;
  routerUrl: string;
  upgradeUrl: string;
}

export interface OpenDashboard extends WatchedPage {
  origin: string;
  routerUrl: string;
  close(): Promise<void>;
}

interface Options {
  config: Record<string, unknown>;
  context?: BrowserContextOptions;
  /** Happens once the services answer, beside the start of the browser. */
  prepare?(started: Started): Promise<void>;
}

/** The demo with a database of its own, and a page of Chromium that has not gone anywhere yet. */
export async function openDashboard({ config, context = {}, prepare }: Options): Promise<OpenDashboard> {
  const database = await createTestDatabase();
  const app = await startDemo({ connectionString: database.connectionString, config });
  const origin = addressOf(app, 'central');
  let browser: Browser | undefined;
  async function close(): Promise<void> {
    await browser?.close();
    await app.stop();
    await database.drop();
  }
  const started = {
    pool: database.pool,
    origin,
    routerUrl: addressOf(app, 'router'),
    upgradeUrl: addressOf(app, 'upgrade'),
  };
  try {
    [browser] = await Promise.all([launchBrowser(), prepare?.(started)]);
    const watched = await openPage(await browser.newContext(context), origin);
    return { ...watched, origin, routerUrl: started.routerUrl, close };
  } catch (error) {
    await close();
    throw error;
  }
}
