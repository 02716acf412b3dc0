import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RouteResponse } from '../../src/contracts/decision.ts';
import { findPostmaster } from '../../src/platform/postgres/postmaster.ts';
import {
  alwaysTheBest,
  makeTestFolder,
  openAiClient,
  type SignalboxProcess,
  startSignalbox,
  startTestProviders,
  type TestProviders,
} from '../support/app.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { running, withDescendants } from '../support/process-tree.ts';
import {
  type Attempt,
  capital,
  endedAttempts,
  getJson,
  patience,
  postJson,
  signalboxHeaders,
  user,
} from './requests.ts';
import { answerInTwoParts, chunk, event, startUpstream, type Upstream } from './upstream.ts';

/** Recovery and first starts take longer than requests do. */
const longPatience = { timeout: 30_000, interval: 50 };

type Folder = Awaited<ReturnType<typeof makeTestFolder>>;

async function end(processes: readonly SignalboxProcess[]): Promise<void> {
  for (const each of processes) each.kill('SIGTERM');
  await Promise.all(processes.map((each) => each.waitForExit()));
}

/** What a process said, without its log: one JSON document a line. */
function linesOf({ stderr }: SignalboxProcess): string[] {
  return stderr()
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('{'));
}

/** How a process ended that should not have started. */
async function endOf(refused: SignalboxProcess): Promise<{ code: number | null; lines: string[]; stdout: string }> {
  const code = await refused.waitForExit();
  return { code, lines: linesOf(refused), stdout: refused.stdout() };
}

function refusal(line: RegExp): object {
  return { code: 1, lines: [expect.stringMatching(line)], stdout: '' };
}

describe('services in processes of their own, on one database', () => {
  let providers: TestProviders;
  let upstream: Upstream;
  let database: TestDatabase;
  let folder: Folder;
  let registry: SignalboxProcess;
  let central: SignalboxProcess;
  let routers: SignalboxProcess[];

  beforeAll(async () => {
    [providers, upstream, database, folder] = await Promise.all([
      startTestProviders(),
      startUpstream(),
      createTestDatabase(),
      makeTestFolder(),
    ]);
    const env = {
      ...providers.environment,
      DATABASE_URL: database.connectionString,
      SIGNALBOX_CONFIG: await folder.writeConfig({
        providers: [upstream.provider],
        learner: { min_samples: 10, interval_ms: 100 },
        routing: alwaysTheBest,
        retries: { backoff_ms: 1 },
      }),
      LOG_LEVEL: 'warn',
    };
    // All at once, as an orchestrator starts them: the order must not matter.
    routers = ['router-a', 'router-b'].map((id) => startSignalbox(['serve', 'router'], { ...env, INSTANCE_ID: id }));
    central = startSignalbox(['serve', 'central'], { ...env, INSTANCE_ID: 'central-1' });
    registry = startSignalbox(['serve', 'registry'], { ...env, INSTANCE_ID: 'registry-1' });
    await Promise.all([
      ...routers.map((router) => router.url('router')),
      central.url('central'),
      registry.url('registry'),
    ]);
  });
  afterAll(async () => {
    await end([...routers, central, registry]);
    await Promise.all([providers.stop(), upstream.stop(), folder.remove()]);
    await database.drop();
  });

  const routerUrls = (): Promise<string[]> => Promise.all(routers.map((router) => router.url('router')));
  const centralApp = async () => {
    const url = await central.url('central');
    return { url: () => url };
  };

  it('answer alike, and each router’s decisions carry its name', async () => {
    const instances: unknown[] = [];
    for (const url of await routerUrls()) {
      const { data, response } = await openAiClient(url)
        .chat.completions.create({ model: 'auto', messages: user(capital) })
        .withResponse();
      expect(data.choices[0]?.message.content).toContain('Paris');
      const id = signalboxHeaders(response.headers)['decision-id'];
      const [attempt] = await endedAttempts(await centralApp(), id);
      expect(attempt).toMatchObject({ outcome: 'success' });
      instances.push(attempt?.['instance_id']);
    }
    expect(instances).toEqual(['router-a', 'router-b']);
  });

  it('learn from the requests of one router for all of them', async () => {
    await providers.fail({ fault: 'http_500', model: 'gpt-6-astra' });
    const [first = '', ...others] = await routerUrls();
    const client = openAiClient(first);
    for (let request = 0; request < 6; request += 1) {
      await client.chat.completions.create({ model: 'gpt-6-astra', messages: user(capital) }).catch(() => undefined);
    }
    await providers.reset();

    interface Scores {
      seq: number;
      scores: Array<{ model: string; score: number; catalogue_score: number }>;
    }
    const { url } = await centralApp();
    const scores = () => getJson<Scores>(`${url()}/scores`);
    await expect.poll(async () => (await scores()).scores.length, patience).toBe(1);
    const [learned] = (await scores()).scores;
    expect(learned).toMatchObject({ model: 'gpt-6-astra' });
    expect(learned?.score).toBeLessThan(learned?.catalogue_score ?? 0);
    for (const router of [first, ...others]) {
      await expect
        .poll(async () => {
          const response = await postJson(`${router}/route`, { query: capital });
          const { explanation } = (await response.json()) as RouteResponse;
          return explanation.candidates.find(({ model }) => model === 'gpt-6-astra');
        }, patience)
        .toMatchObject({ score_source: 'learned', complexity_score: learned?.score });
    }
    const { rows } = await database.pool.query('select 1 from pgmq.q_model_score_updates');
    expect(rows).toHaveLength((await scores()).seq);
    await expect
      .poll(() => getJson<{ instances: unknown[] }>(`${url()}/instances`), longPatience)
      .toMatchObject({
        instances: [
          { instance_id: 'router-a', service: 'router', up_to_date: true },
          { instance_id: 'router-b', service: 'router', up_to_date: true },
        ],
      });
  });

  it('finish their streams when they are asked to end, take no new requests, and leave the rest running', async () => {
    const [leaving] = routers.slice(1);
    if (leaving === undefined) throw new Error('no second router');
    const url = await leaving.url('router');
    const goOn = answerInTwoParts(upstream, event(chunk({ content: 'Hel' })));
    const response = await postJson(`${url}/v1/chat/completions`, {
      model: 'raw-1',
      messages: user('Hello'),
      stream: true,
    });
    leaving.kill('SIGTERM');
    await expect
      .poll(async () => {
        try {
          return (await postJson(`${url}/route`, { query: capital })).status;
        } catch {
          return 'refused';
        }
      }, patience)
      .toBeOneOf(['refused', 503]);
    const rest = event(chunk({ content: 'lo' })) + event(chunk({}, 'stop')) + event('[DONE]');
    goOn((upstreamResponse) => upstreamResponse.end(rest));
    expect(await response.text()).toBe(event(chunk({ content: 'Hel' })) + rest);
    expect(await leaving.waitForExit()).toBe(0);

    const id = signalboxHeaders(response.headers)['decision-id'];
    expect(await endedAttempts(await centralApp(), id)).toMatchObject([
      { outcome: 'success', streamed: true, instance_id: 'router-b' },
    ]);
    const [staying = ''] = await routerUrls();
    expect((await postJson(`${staying}/route`, { query: capital })).status).toBe(200);
  });
});

describe('up with its own PostgreSQL', () => {
  let folder: Folder;
  let dataDir: string;
  let started: SignalboxProcess[];

  beforeEach(async () => {
    folder = await makeTestFolder();
    dataDir = path.join(folder.folder, 'data');
    started = [];
  });
  afterEach(async () => {
    await end(started);
    // What a failed test left behind.
    const postmaster = await findPostmaster(path.join(dataDir, 'postgres'));
    if (postmaster !== undefined) process.kill(postmaster.pid, 'SIGQUIT');
    await folder.remove();
  });

  async function up(env: Record<string, string> = {}): Promise<SignalboxProcess> {
    const config = await folder.writeConfig({ simulator: { time_scale: 0 } });
    const child = startSignalbox(['up', '--data-dir', dataDir, '--config', config], env);
    started.push(child);
    return child;
  }

  async function postmasterPid(): Promise<number> {
    const postmaster = await findPostmaster(path.join(dataDir, 'postgres'));
    if (postmaster === undefined) throw new Error('PostgreSQL does not run');
    return postmaster.pid;
  }

  /** Every attempt that central shows. */
  async function visibleAttempts(central: string): Promise<Attempt[]> {
    const attempts: Attempt[] = [];
    for (let before = ''; ;) {
      const page = await getJson<{ decisions: Attempt[]; next: string | null }>(
        `${central}/decisions?limit=500${before === '' ? '' : `&before=${before}`}`,
      );
      attempts.push(...page.decisions);
      if (page.next === null) return attempts;
      before = page.next;
    }
  }

  /** Sends requests, several at a time, until the returned function is called. */
  function load(router: string): () => Promise<void> {
    const stopping = new AbortController();
    const client = openAiClient(router);
    const senders = Array.from({ length: 8 }, async () => {
      while (!stopping.signal.aborted) {
        await client.chat.completions.create({ model: 'auto', messages: user(capital) }).catch(() => undefined);
      }
    });
    return async () => {
      stopping.abort();
      await Promise.all(senders);
    };
  }

  /** What was visible before and is gone, or has another end than it had. */
  function lost(before: readonly Attempt[], after: readonly Attempt[]): Attempt[] {
    const now = new Map(after.map((each) => [`${each.decision_id} ${each.attempt}`, each]));
    return before.filter(({ decision_id: id, attempt, outcome }) => {
      const found = now.get(`${id} ${attempt}`);
      return found === undefined || (outcome !== 'routed' && found.outcome !== outcome);
    });
  }

  it(
    'loses nothing that was visible when it is killed under load, and starts again by itself',
    { timeout: 90_000 },
    async () => {
      let kept: Attempt[] = [];
      for (const alsoTheDatabase of [false, true]) {
        const victim = await up();
        const central = await victim.url('central');
        expect(lost(kept, await visibleAttempts(central))).toEqual([]);
        const stopLoad = load(await victim.url('router'));
        await expect
          .poll(async () => (await visibleAttempts(central)).length, longPatience)
          .toBeGreaterThan(kept.length + 100);
        kept = await visibleAttempts(central);
        const postmaster = await postmasterPid();
        process.kill(-victim.pid, 'SIGKILL');
        if (alsoTheDatabase) process.kill(postmaster, 'SIGKILL');
        expect(await victim.waitForExit()).toBeNull();
        await stopLoad();
      }

      const heir = await up();
      const central = await heir.url('central');
      expect(lost(kept, await visibleAttempts(central))).toEqual([]);

      const { response } = await openAiClient(await heir.url('router'))
        .chat.completions.create({ model: 'auto', messages: user(capital) })
        .withResponse();
      const id = signalboxHeaders(response.headers)['decision-id'];
      expect(await endedAttempts({ url: () => central }, id)).toMatchObject([{ outcome: 'success' }]);

      const inUse = new RegExp(`^error: .*${dataDir} is in use by another Signalbox \\(pid ${heir.pid}\\)`);
      expect(await endOf(await up())).toEqual(refusal(inUse));

      const pids = [heir.pid, ...(await withDescendants(await postmasterPid()))];
      heir.kill('SIGTERM');
      expect(await heir.waitForExit()).toBe(0);
      expect(await running(pids)).toEqual([]);
    },
  );

  it('leaves nothing behind when it is asked to end while it starts', async () => {
    const child = await up();
    await expect.poll(() => child.stderr(), longPatience).toContain('embedded PostgreSQL is ready');
    const pids = [child.pid, ...(await withDescendants(await postmasterPid()))];
    child.kill('SIGTERM');
    expect(await child.waitForExit()).toBe(0);
    expect(await running(pids)).toEqual([]);
  });

  it('leaves nothing behind when a port is taken', async () => {
    const occupant = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => occupant.once('listening', resolve));
    const { port } = occupant.address() as AddressInfo;
    try {
      const child = await up({ CENTRAL_PORT: String(port) });
      const taken = new RegExp(`^error: port ${port} \\(central\\) is in use.*CENTRAL_PORT`);
      expect(await endOf(child)).toEqual(refusal(taken));
      expect(await findPostmaster(path.join(dataDir, 'postgres'))).toBeUndefined();
    } finally {
      await new Promise((resolve) => occupant.close(resolve));
    }
  });
});

describe('a start that cannot succeed ends with one line', () => {
  it.concurrent.each([
    ['serve without a database', ['serve', 'router'], {}, /^error: no database: set DATABASE_URL/],
    [
      'an open port without a key',
      ['up'],
      { HOST: '0.0.0.0' },
      /^error: refusing to listen on 0\.0\.0\.0 without a key/,
    ],
    ['a key that is too short', ['up'], { SIGNALBOX_MASTER_KEY: 'short' }, /^error: invalid configuration: master_key/],
    ['a port that is no number', ['up'], { ROUTER_PORT: 'http' }, /^error: invalid configuration: ports\.router/],
    [
      'a file that is not there',
      ['up', '--config', 'nowhere.yaml'],
      {},
      /^error: configuration file .* does not exist/,
    ],
    ['no such service', ['serve', 'coffee'], {}, /^error: .*coffee.*\(see --help\)$/],
    [
      'a database that does not answer',
      ['serve', 'central'],
      { DATABASE_URL: 'postgres://nobody:nothing@127.0.0.1:1/none' },
      /^error: .*(ECONNREFUSED|cannot be reached)/,
    ],
  ])('%s', async (_, args, env, line) => {
    expect(await endOf(startSignalbox(args, env))).toEqual(refusal(line));
  });
});
