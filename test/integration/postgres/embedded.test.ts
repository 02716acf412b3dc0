import { execFile } from 'node:child_process';
import { chown, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { StartupError } from '../../../src/platform/core/errors.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../../src/platform/postgres/embedded.ts';
import { prepareCluster } from '../../../src/platform/postgres/embedded-cluster.ts';
import { choosePort, launchServer } from '../../../src/platform/postgres/embedded-server.ts';
import { findPostmaster, isAlive } from '../../../src/platform/postgres/postmaster.ts';
import { silentLogger } from '../../../src/platform/telemetry/logger.ts';
import { type Child, parseLines, runScript } from '../../support/child-process.ts';

const log = silentLogger();
const patience = { timeout: 15_000, interval: 20 };
const asRoot = process.geteuid?.() === 0;
const onLinux = process.platform === 'linux';

/** Of a server that was started for the first time, which takes long, and stopped. */
let usedDir: string;
let dataDir: string;
let started: { stop(): Promise<void> }[];

/** Of mode 0700, as `mktemp -d` makes it: as root, PostgreSQL's own user may not enter it. */
const emptyFolder = (): Promise<string> => mkdtemp(path.join(tmpdir(), 'signalbox-embedded-'));

beforeAll(async () => {
  usedDir = await emptyFolder();
  await (await startEmbeddedPostgres({ dataDir: usedDir, log })).stop();
});
afterAll(() => rm(usedDir, { recursive: true, force: true }));
beforeEach(async () => {
  dataDir = await emptyFolder();
  started = [];
});
afterEach(async () => {
  for (const part of started.toReversed()) await part.stop();
  await rm(dataDir, { recursive: true, force: true });
});

/** So that a test of what comes later need not wait for a first start. */
async function copyUsed(): Promise<void> {
  await promisify(execFile)('cp', ['-a', `${usedDir}/.`, dataDir]);
}

async function start(): Promise<EmbeddedPostgres> {
  const postgres = await startEmbeddedPostgres({ dataDir, log });
  started.push(postgres);
  return postgres;
}

/** A process of its own that starts a server on the data directory. */
function startProcess(...args: string[]): Child {
  const child = runScript('test/support/embedded-process.ts', [dataDir, ...args]);
  started.push({
    async stop() {
      child.kill('SIGTERM');
      await child.waitForExit();
    },
  });
  return child;
}

async function query<R extends object>(connectionString: string, text: string): Promise<R[]> {
  const client = new Client({ connectionString });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query<R>(text);
    return rows;
  } finally {
    await client.end();
  }
}

async function runningPostmaster(): Promise<number> {
  const postmaster = await findPostmaster(path.join(dataDir, 'postgres'));
  if (postmaster === undefined) throw new Error('no server is running');
  return postmaster.pid;
}

/** The postmaster and all its processes. */
async function serverProcesses(connectionString: string): Promise<number[]> {
  const rows = await query<{ pid: number }>(connectionString, 'select pid from pg_stat_activity');
  return [await runningPostmaster(), ...rows.map((row) => row.pid)];
}

/** Whether the process does something: not one that is only waiting for its parent to read its exit code. */
async function isRunning(pid: number): Promise<boolean> {
  if (!onLinux) return isAlive(pid);
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => 'State:\tX');
  return !/^State:\s+[XZ]/m.test(status);
}

async function expectGone(pids: readonly number[]): Promise<void> {
  await vi.waitFor(async () => {
    const running = await Promise.all(pids.map(isRunning));
    expect(pids.filter((_, index) => running[index])).toEqual([]);
  }, patience);
}

function inUseBy(pid: number): string {
  return (
    `the data directory ${dataDir} is in use by another Signalbox (pid ${pid}); ` +
    'stop it, or choose another with --data-dir'
  );
}

describe('an embedded server', () => {
  it('keeps its data and its address from one start to the next, and leaves no process', async () => {
    const first = await start();
    await query(first.connectionString, 'create table kept as select 42 as answer');
    const pids = await serverProcesses(first.connectionString);
    await first.stop();
    expect(await Promise.all(pids.map(isRunning))).toEqual(pids.map(() => false));

    const second = await start();
    expect(second).toMatchObject({ connectionString: first.connectionString, adopted: false });
    expect(await query(second.connectionString, 'select answer from kept')).toEqual([{ answer: 42 }]);
    expect((await stat(path.join(dataDir, 'postgres-password'))).mode & 0o777).toBe(0o600);
  });

  it('takes another port when its own is taken', async () => {
    await copyUsed();
    const first = await start();
    await first.stop();
    const port = Number(new URL(first.connectionString).port);
    const intruder = createServer();
    await new Promise<void>((resolve) => intruder.listen(port, '127.0.0.1', resolve));
    try {
      const second = await start();
      expect(Number(new URL(second.connectionString).port)).not.toBe(port);
      await query(second.connectionString, 'select 1');
    } finally {
      intruder.close();
    }
  });

  it('starts although a dead server left a file that names a living process', async () => {
    await copyUsed();
    const first = await start();
    const file = path.join(dataDir, 'postgres', 'postmaster.pid');
    const left = await readFile(file, 'utf8');
    await first.stop();
    await writeFile(file, left.replace(/^\d+/, String(process.ppid)), { mode: 0o600 });

    const second = await start();
    expect(second.adopted).toBe(false);
    await query(second.connectionString, 'select 1');
  });

  it('says what PostgreSQL said when it does not start', { timeout: 60_000 }, async () => {
    await copyUsed();
    await writeFile(path.join(dataDir, 'postgres', 'PG_VERSION'), '9.6\n');

    const refusal = start();
    await expect(refusal).rejects.toThrow(StartupError);
    await expect(refusal).rejects.toThrow(
      /^PostgreSQL did not start: FATAL: {2}database files are incompatible with server$/,
    );
  });

  it('removes what a killed first start left half made', async () => {
    const half = path.join(dataDir, 'postgres-new-killed');
    await copyUsed();
    await writeFile(half, '');
    await start();
    expect(await readdir(dataDir)).not.toContain(path.basename(half));
  });
});

describe('one instance for each data directory', () => {
  it('refuses a second one with a clear line, and leaves the first alone', async () => {
    await copyUsed();
    const first = await start();
    const second = startProcess();
    expect(await second.waitForExit()).toBe(1);
    expect(second.stderr()).toBe(`${inUseBy(process.pid)}\n`);
    expect(second.stdout()).toBe('');
    await query(first.connectionString, 'select 1');
  });

  it('lets exactly one of those win that start at the same moment on an empty directory', async () => {
    const children = [startProcess(), startProcess(), startProcess()];
    const outcomes = await Promise.all(
      children.map((child) =>
        child
          .waitForLine<{ connectionString: string }>((line) => line['ready'] === true)
          .then(
            (line) => ({ child, line }),
            () => undefined,
          ),
      ),
    );
    const winners = outcomes.filter((outcome) => outcome !== undefined);
    const [winner] = winners;
    if (winner === undefined) throw new Error(children.map((child) => child.stderr()).join());
    expect(winners).toHaveLength(1);
    for (const loser of children.filter((child) => child !== winner.child)) {
      expect(await loser.waitForExit()).toBe(1);
      expect(loser.stderr()).toBe(`${inUseBy(winner.child.pid)}\n`);
    }
    await query(winner.line.connectionString, 'select 1');
  });

  it('takes the directory again when the connection that holds it is cut', async () => {
    await copyUsed();
    const first = await start();
    const holder = "from pg_stat_activity where application_name like 'signalbox pid %'";
    const [before] = await query(first.connectionString, `select pid, pg_terminate_backend(pid) ${holder}`);
    await vi.waitFor(async () => {
      const [after] = await query(first.connectionString, `select pid, true as pg_terminate_backend ${holder}`);
      expect(after).toBeDefined();
      expect(after).not.toEqual(before);
    }, patience);

    const second = startProcess();
    expect(await second.waitForExit()).toBe(1);
    expect(second.stderr()).toBe(`${inUseBy(process.pid)}\n`);
  });
});

describe('after a kill -9', () => {
  beforeEach(copyUsed);

  it.runIf(onLinux).each([
    { what: 'the process', alsoServer: false },
    { what: 'the process and the server', alsoServer: true },
  ])('of $what, under writes, no process is left and all that was committed is there', async ({ alsoServer }) => {
    const writer = startProcess('write');
    const { connectionString } = await writer.waitForLine<{ connectionString: string }>(
      (line) => line['ready'] === true,
    );
    await writer.waitForLine((line) => line['committed'] === 100);
    const pids = await serverProcesses(connectionString);

    writer.kill('SIGKILL');
    if (alsoServer) process.kill(pids[0] ?? 0, 'SIGKILL');
    expect(await writer.waitForExit()).toBeNull();
    await expectGone(pids);
    const committed = parseLines(writer.stdout()).length - 1;

    const second = await start();
    expect(second).toMatchObject({ connectionString, adopted: false });
    const rows = await query(
      connectionString,
      `select count(*)::integer as kept from written where number <= ${committed}`,
    );
    expect(rows).toEqual([{ kept: committed }]);
  });

  it.runIf(onLinux)('starts at once, while the processes of the killed server are still about', async () => {
    const writer = startProcess('write');
    await writer.waitForLine((line) => line['committed'] === 50);
    process.kill(await runningPostmaster(), 'SIGKILL');
    writer.kill('SIGKILL');

    const second = await start();
    const rows = await query(second.connectionString, 'select count(*) >= 50 as kept from written');
    expect(rows).toEqual([{ kept: true }]);
  });

  it('of the server alone, it is started again at the same address', async () => {
    const postgres = await start();
    await query(postgres.connectionString, 'create table kept as select 42 as answer');
    const before = await runningPostmaster();
    process.kill(before, 'SIGKILL');

    await vi.waitFor(async () => {
      expect(await query(postgres.connectionString, 'select answer from kept')).toEqual([{ answer: 42 }]);
    }, patience);
    const after = await runningPostmaster();
    expect(after).not.toBe(before);
    await postgres.stop();
    await expectGone([after]);
  });

  it('adopts a server that went on running, and stops it at the end', async () => {
    const cluster = await prepareCluster(dataDir);
    const orphan = await launchServer(cluster, await choosePort(cluster.clusterDir));
    if ('failure' in orphan) throw new Error(orphan.failure);

    const postgres = await start();
    expect(postgres.adopted).toBe(true);
    await query(postgres.connectionString, 'select 1');
    expect(await runningPostmaster()).toBe(orphan.server.pid);
    await postgres.stop();
    await expectGone([orphan.server.pid]);
  });
});

describe.runIf(asRoot && onLinux)('as root', () => {
  it('runs below a folder that only root may enter', async () => {
    expect(await stat(dataDir)).toMatchObject({ uid: 0, mode: 0o40700 });
    const postgres = await start();
    await query(postgres.connectionString, 'select 1');
  });

  it('runs on a cluster of another user, in a folder which that user may not enter', async () => {
    await copyUsed();
    const cluster = path.join(dataDir, 'postgres');
    for (const entry of await readdir(cluster, { recursive: true })) await chown(path.join(cluster, entry), 4321, 4321);
    await chown(cluster, 4321, 4321);

    const postgres = await start();
    await query(postgres.connectionString, 'create table made as select 1 as number');
    expect(await readFile(`/proc/${await runningPostmaster()}/status`, 'utf8')).toMatch(/^Uid:\t4321\t/m);
    await postgres.stop();
    await (await start()).stop();
  });
});
