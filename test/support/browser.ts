import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

/**
 * Chromium from npm, as it is: it needs no package of the system, since its libraries and a font come with it. Unlike the
 * flags that its package proposes, these leave the web's security on.
 */
const flags = [
  '--headless=shell',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export async function launchBrowser(): Promise<Browser> {
  const folder = await unpackedChromium();
  const { LD_LIBRARY_PATH: libraries } = process.env;
  return chromium.launch({
    executablePath: path.join(folder, 'chromium'),
    args: flags,
    env: {
      ...process.env,
      FONTCONFIG_FILE: path.join(folder, 'fonts.conf'),
      LD_LIBRARY_PATH: [path.join(folder, 'al2023', 'lib'), ...(libraries === undefined ? [] : [libraries])].join(':'),
    },
  });
}

/** A folder of this user with Chromium in it. Whole or not there: processes that unpack at once do not meet half of it. */
async function unpackedChromium(): Promise<string> {
  const folder = path.join(tmpdir(), `signalbox-chromium-${userInfo().uid}`);
  if (existsSync(folder)) return folder;
  const fresh = await mkdtemp(`${folder}-`);
  // Its package unpacks the libraries only where it takes the machine for that of a cloud function.
  await promisify(execFile)(process.execPath, [fileURLToPath(new URL('unpack-chromium.ts', import.meta.url))], {
    env: { ...process.env, TMPDIR: fresh, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x' },
  });
  await mkdir(path.join(fresh, 'cache'));
  const fonts = [`<dir>${folder}/fonts</dir>`, `<cachedir>${folder}/cache</cachedir>`];
  await writeFile(path.join(fresh, 'fonts.conf'), `<?xml version="1.0"?><fontconfig>${fonts.join('')}</fontconfig>`);
  try {
    await rename(fresh, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
    await rm(fresh, { recursive: true });
  }
  return folder;
}

export interface WatchedPage {
  page: Page;
  /** Errors of scripts, of the content security policy and of loading, and requests to anybody else. */
  problems: string[];
}

/** A page of a context, with everything noted that must not happen on it. */
export async function openPage(context: BrowserContext, origin: string): Promise<WatchedPage> {
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('request', (request) => {
    if (!request.url().startsWith(`${origin}/`)) problems.push(`asks ${request.url()}`);
  });
  return { page, problems };
}
