import { execFileSync } from 'node:child_process';
import { mkdir, symlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ServiceName } from '../../src/contracts/api.ts';
import { createMember, type Member } from './members.ts';

/** The code of this checkout. */
export const thisCode = fileURLToPath(new URL('../../', import.meta.url));

export const masterKey = 'rehearsal-master-key';

const services: ReadonlyArray<readonly [ServiceName, number]> = [
  ['registry', 1],
  ['router', 3],
  ['central', 2],
  ['upgrade', 1],
];

/** The processes of Signalbox, none of them started. */
export async function createMembers(folder: string, env: Readonly<Record<string, string>>): Promise<Member[]> {
  const common = {
    ...env,
    SIGNALBOX_MASTER_KEY: masterKey,
    // So that only the first start of a revision compiles it.
    NODE_COMPILE_CACHE: path.join(folder, 'compiled'),
  };
  return Promise.all(
    services.flatMap(([service, count]) =>
      Array.from({ length: count }, async (_, index) =>
        createMember({ name: `${service}-${index + 1}`, service, port: await freePort(), folder, env: common }),
      ),
    ),
  );
}

/** A port that is free now, and is not one that systems give to outgoing connections. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 11_000 + Math.floor(Math.random() * 8000);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

/** Puts the code of a revision into a folder, with the packages of this checkout. Throws where git knows no such one. */
export async function checkOut(revision: string, folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const archive = execFileSync('git', ['archive', revision], {
    cwd: thisCode,
    maxBuffer: 2 ** 30,
  });
  execFileSync('tar', ['-x', '-C', folder], { input: archive });
  await symlink(path.join(thisCode, 'node_modules'), path.join(folder, 'node_modules'));
  return folder;
}
