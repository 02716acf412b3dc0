import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { notice } from './progress.ts';
import { startProcess } from './process.ts';
import type { Gateway } from './target.ts';

const name = '@portkey-ai/gateway';
const version = '1.15.2';
/**
 * Its range allows this version of its server and all later ones of 1.x, but with 1.14 and later its streams end in
 * status 500 (“immutable”), and there would be nothing to compare.
 */
const overrides = { '@hono/node-server': '1.13.8' };
/** Kept between runs, beside the data of `signalbox up`: it is no dependency of Signalbox. */
const folder = new URL(`../../.signalbox/bench/portkey-${version}/`, import.meta.url);
const program = new URL(`node_modules/${name}/build/start-server.js`, folder);

/** Portkey's open gateway, installed where it is not yet; null where it cannot be. */
export async function startPortkey(upstreamUrl: string): Promise<Gateway | null> {
  if (!existsSync(program) && !(await install())) {
    notice(`skipped: ${name}@${version} could not be installed`);
    return null;
  }
  const port = await freePort();
  const process = await startProcess(program, {
    args: [`--port=${port}`, '--headless'],
    env: { NODE_ENV: 'production', TRUSTED_CUSTOM_HOSTS: '127.0.0.1' },
    readyLine: /Ready for connections/,
    probe: true,
  });
  const headers = {
    authorization: 'Bearer bench',
    'x-portkey-provider': 'openai',
    'x-portkey-custom-host': `${upstreamUrl}/v1`,
  };
  return { port, headers, process };
}

async function install(): Promise<boolean> {
  notice(`installing ${name}@${version} into ${fileURLToPath(folder)}`);
  await mkdir(folder, { recursive: true });
  const manifest = { private: true, dependencies: { [name]: version }, overrides };
  await writeFile(new URL('package.json', folder), JSON.stringify(manifest));
  const args = ['install', '--prefix', fileURLToPath(folder), '--no-audit', '--no-fund', '--ignore-scripts'];
  const npm = spawn('npm', args, { stdio: 'ignore' });
  const code = await once(npm, 'exit').then(
    ([status]: unknown[]) => status,
    () => 1,
  );
  return code === 0 && existsSync(program);
}

/** It cannot be asked for any free port, nor does it tell which one it took. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
