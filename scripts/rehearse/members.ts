import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { access } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { ServiceName } from '../../src/contracts/api.ts';

/** One process of the topology; its port and its folder stay the same from life to life. */
export interface Member {
  name: string;
  service: ServiceName;
  port: number;
  /** Runs the code in a folder. Resolves when it is ready; rejects when it ends instead. */
  start(codeFolder: string): Promise<void>;
  /** Resolves to the exit code, null where the signal ended it, and undefined where it was not running. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null | undefined>;
}

export interface MemberOptions {
  name: string;
  service: ServiceName;
  port: number;
  /** For its data and its log. */
  folder: string;
  env: Readonly<Record<string, string>>;
}

export function createMember({ name, service, port, folder, env }: MemberOptions): Member {
  let child: ChildProcess | undefined;

  return {
    name,
    service,
    port,
    async start(codeFolder) {
      const started = spawn(process.execPath, [path.join(codeFolder, 'src/cli/main.ts'), 'serve', service], {
        cwd: folder,
        env: {
          PATH: process.env['PATH'],
          HOME: folder,
          LOG_LEVEL: 'warn',
          INSTANCE_ID: name,
          SIGNALBOX_DATA_DIR: path.join(folder, name),
          [`${service.toUpperCase()}_PORT`]: String(port),
          ...(await settingsOf(codeFolder)),
          ...env,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
        // A group of its own: Ctrl-C reaches this process alone.
        detached: true,
      });
      child = started;
      started.once('exit', () => (child = undefined));
      started.stderr.pipe(createWriteStream(path.join(folder, `${name}.log`), { flags: 'a' }));
      for await (const line of createInterface({ input: started.stdout }))
        if (line.startsWith('{"ready":true')) {
          started.stdout.resume();
          return;
        }
      throw new Error(`${name} ended before it was ready; see ${folder}/${name}.log`);
    },
    async end(signal) {
      if (child === undefined) return undefined;
      const exited = once(child, 'exit') as Promise<[number | null]>;
      child.kill(signal);
      const [code] = await exited;
      return code;
    },
  };
}

/** Each revision is deployed with its own settings; early ones have none. */
async function settingsOf(codeFolder: string): Promise<Record<string, string>> {
  const file = path.join(codeFolder, 'deploy/compose/signalbox.yaml');
  return access(file).then(
    () => ({ SIGNALBOX_CONFIG: file }),
    () => ({}),
  );
}
