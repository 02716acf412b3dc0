import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

export interface Balancer {
  url: string;
  stop(): Promise<void>;
}

const deployed = new URL('../../deploy/compose/haproxy.cfg', import.meta.url);

/**
 * HAProxy as it is deployed: of the file for Compose only the addresses are others. Throws where there is no `haproxy`,
 * and where the file does not suit.
 *
 * @param routers Ports on 127.0.0.1.
 */
export async function startBalancer(folder: string, port: number, routers: readonly number[]): Promise<Balancer> {
  const file = path.join(folder, 'haproxy.cfg');
  await writeFile(file, withAddresses(await readFile(deployed, 'utf8'), port, routers));
  try {
    execFileSync('haproxy', ['-c', '-q', '-f', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (error) {
    throw new Error('haproxy is needed (apt-get install haproxy), and has to accept its configuration', {
      cause: error,
    });
  }
  const child: ChildProcess = spawn('haproxy', ['-db', '-f', file], { stdio: 'ignore', detached: true });
  const exited = once(child, 'exit');
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/** Here nobody resolves the names of containers: routers are listed. */
function withAddresses(config: string, port: number, routers: readonly number[]): string {
  const servers = routers.map((router, index) => `  server router-${index + 1} 127.0.0.1:${router}`).join('\n');
  const changes: ReadonlyArray<readonly [RegExp, string]> = [
    [/^resolvers docker\n(?: .*\n)+/m, ''],
    [/ resolvers docker init-addr none$/m, ''],
    [/bind :8001$/m, `bind 127.0.0.1:${port}`],
    [/^ +server-template .*$/m, servers],
  ];
  return changes.reduce((text, [from, to]) => {
    if (!from.test(text)) throw new Error(`deploy/compose/haproxy.cfg has no ${from.source}`);
    return text.replace(from, to);
  }, config);
}
