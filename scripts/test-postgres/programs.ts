import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { sleep } from '../../src/platform/core/clock.ts';

export interface Program {
  stop(): Promise<void>;
}

/** PgBouncer in transaction mode before one database. Returns where it listens. */
export async function startPgBouncer(
  folder: string,
  port: number,
  databaseUrl: string,
): Promise<Program & { url: string }> {
  const database = new URL(databaseUrl);
  const name = database.pathname.slice(1);
  const users = path.join(folder, 'users.txt');
  const file = path.join(folder, 'pgbouncer.ini');
  await writeFile(users, `"${database.username}" "${database.password}"\n`, { mode: 0o644 });
  await writeFile(
    file,
    `[databases]
${name} = host=${database.hostname} port=${database.port} dbname=${name}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${users}
pool_mode = transaction
default_pool_size = 5
max_client_conn = 200
ignore_startup_parameters = statement_timeout, idle_in_transaction_session_timeout
`,
    { mode: 0o644 },
  );
  // It refuses to run as root.
  const user = process.geteuid?.() === 0 ? ['-u', 'nobody'] : [];
  const program = await startProgram('pgbouncer', [...user, file], port);
  database.port = String(port);
  return { ...program, url: database.href };
}

/** HAProxy before two servers: the second has connections while the first cannot be reached. */
export async function startFailover(
  folder: string,
  port: number,
  servers: readonly [number, number],
): Promise<Program> {
  const file = path.join(folder, 'failover.cfg');
  await writeFile(
    file,
    `defaults
  mode tcp
  timeout connect 2s
  timeout client 1h
  timeout server 1h
listen postgres
  bind 127.0.0.1:${port}
  default-server check inter 500ms fall 2 rise 1 on-marked-down shutdown-sessions
  server primary 127.0.0.1:${servers[0]}
  server standby 127.0.0.1:${servers[1]} backup
`,
  );
  return startProgram('haproxy', ['-db', '-f', file], port);
}

/** Throws where the program is not there, or does not listen within five seconds. */
async function startProgram(program: string, args: readonly string[], port: number): Promise<Program> {
  const child = spawn(program, args, { stdio: 'ignore', detached: true });
  const exited = once(child, 'exit').catch(() => undefined);
  for (let attempt = 0; !(await listens(port)); attempt += 1) {
    if (attempt === 50) {
      child.kill('SIGKILL');
      throw new Error(`${program} does not listen (apt-get install ${program})`);
    }
    await sleep(100);
  }
  return {
    async stop() {
      child.kill('SIGTERM');
      // PgBouncer waits for its clients; those that are left are nobody's.
      const patience = setTimeout(() => child.kill('SIGKILL'), 3000);
      await exited;
      clearTimeout(patience);
    },
  };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
