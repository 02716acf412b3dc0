import type { Health, ServiceName } from './contracts/api.ts';
import { createCentral } from './central/central.ts';
import type { LiveConfig } from './platform/config/live.ts';
import { assertSafeToListen } from './platform/config/load.ts';
import { simulatedProviders } from './platform/config/resolve-providers.ts';
import { sleep } from './platform/core/clock.ts';
import { StartupError } from './platform/core/errors.ts';
import type { Live } from './platform/core/live.ts';
import type { Service } from './platform/core/service.ts';
import { baseUrlOf } from './platform/http/base-url.ts';
import { startEmbeddedPostgres } from './platform/postgres/embedded.ts';
import { migrate } from './platform/postgres/migrate.ts';
import { createReloadAudit } from './platform/config/reload-audit.ts';
import { createPool, type Pool } from './platform/postgres/pool.ts';
import { showPool } from './platform/postgres/pool-metrics.ts';
import { createKeyDirectory } from './platform/security/key-directory.ts';
import { type FindKey, noKeys, toPrincipal } from './platform/security/principal.ts';
import type { Provider } from './platform/providers/definitions.ts';
import type { Logger } from './platform/telemetry/logger.ts';
import type { Metrics } from './platform/telemetry/metrics.ts';
import { createRegistry } from './registry/registry.ts';
import { createRouterWorkers } from './router-workers.ts';
import { createRouter } from './router/router.ts';
import { createDemoTraffic } from './simulator/demo-traffic.ts';
import { createSimulator } from './simulator/simulator.ts';
import { createUpgrade } from './upgrade/upgrade.ts';

export interface AppOptions {
  config: LiveConfig;
  services: readonly ServiceName[];
  /** Start a PostgreSQL where the configuration names none. */
  embeddedDatabase: boolean;
  /** Use the simulator where no provider is configured, or always with the demo. */
  simulator: boolean;
  /** One of several processes: its primary waits until all are ready, and tells of configurations. Default: false. */
  isWorker?: boolean;
  log: Logger;
  metrics: Metrics;
}

export interface RunningApp {
  ports: Partial<Record<ServiceName, number>>;
  providers: Live<readonly Provider[]>;
  /** True when answers come from the simulator. */
  simulated: boolean;
  /** Ends everything in the reverse order of its start. */
  stop(): Promise<void>;
}

interface ServiceContext {
  config: LiveConfig;
  providers: Live<readonly Provider[]>;
  pool: Pool;
  /** For connections of one's own, on which notifications come. */
  connectionString: string;
  findKey: FindKey;
  /** Of the services that were started before. */
  ports: Readonly<Partial<Record<ServiceName, number>>>;
  log: Logger;
  metrics: Metrics;
}

type HttpPart = Service & { port(): number };

const factories: Readonly<Record<ServiceName, (context: ServiceContext) => HttpPart>> = {
  registry: createRegistry,
  router: (context) => (context.config.current().workers === 1 ? createRouter(context) : createRouterWorkers(context)),
  upgrade: createUpgrade,
  central: createCentral,
};

/** How long a start waits for the first catalogue. */
const readyTimeoutMs = 30_000;

/**
 * Starts the given services with what they need, in order, and says when they are ready.
 *
 * @throws StartupError with one clear line; whatever was started before it is stopped again.
 */
export async function startApp(options: AppOptions): Promise<RunningApp> {
  const { isWorker = false, log, metrics } = options;
  // What is used here is what only a restart changes.
  const config = options.config.current();
  assertSafeToListen(config);
  const releasers: Array<{ name: string; release(): Promise<void> }> = [];
  const started: Service[] = [];

  async function stop(): Promise<void> {
    // All at once: a load balancer in front of any of them is to see it before the first connection is refused.
    await Promise.all(started.map(async (service) => service.leave?.()));
    for (let part = releasers.pop(); part !== undefined; part = releasers.pop()) {
      try {
        await part.release();
      } catch (error) {
        log.error({ part: part.name, err: error }, 'did not stop cleanly');
      }
    }
  }
  async function startService<S extends Service>(service: S): Promise<S> {
    await service.start();
    started.push(service);
    releasers.push({ name: service.name, release: () => service.stop() });
    return service;
  }

  try {
    const connectionString = await startDatabase();
    const pool = createPool({
      connectionString,
      applicationName: `signalbox ${config.instance_id}`,
      max: config.database_pool_size,
      log,
    });
    showPool(metrics, pool);
    releasers.push({ name: 'database pool', release: () => pool.end() });
    const migrated = await migrate(pool, { log });
    log.debug({ ...migrated }, 'database is up to date');

    const simulated = options.simulator && (config.demo.enabled || config.providers.length === 0);
    const simulation = simulated ? await startSimulator() : [];
    /** Those of the file answer as soon as there are some, unless a demo was asked for. */
    const providers: Live<readonly Provider[]> = () => {
      const { demo, providers: configured } = options.config.current();
      return simulated && (demo.enabled || configured.length === 0) ? simulation : configured;
    };
    if (providers().length === 0) log.warn('no provider is configured: no model can be called');

    const findKey = await startKeyDirectory(pool, config.database_direct_url ?? connectionString);

    const ports: RunningApp['ports'] = {};
    const context: ServiceContext = {
      config: options.config,
      providers,
      pool,
      connectionString: config.database_direct_url ?? connectionString,
      findKey,
      ports,
      log,
      metrics,
    };
    for (const name of options.services) ports[name] = (await startService(factories[name](context))).port();
    if (!isWorker) {
      await untilReady(ports);
      const [service = 'central'] = options.services;
      const { instance_id: instanceId } = config;
      await startService(createReloadAudit({ config: options.config, service, instanceId, pool, log }));
    }

    if (config.demo.enabled && ports.router !== undefined) {
      await startService(
        createDemoTraffic({
          baseUrl: baseUrlOf(config.host, ports.router),
          requestsPerSecond: config.demo.requests_per_second,
          seed: config.simulator.seed,
          log,
          ...(config.master_key === undefined ? {} : { apiKey: config.master_key }),
        }),
      );
    }
    return { ports, providers, simulated, stop };
  } catch (error) {
    await stop();
    throw error;
  }

  async function startDatabase(): Promise<string> {
    if (config.database_url !== undefined) return config.database_url;
    if (!options.embeddedDatabase) {
      throw new StartupError('no database: set DATABASE_URL or --database-url (signalbox up brings its own)');
    }
    const database = await startEmbeddedPostgres({ dataDir: config.data_dir, log });
    releasers.push({ name: 'embedded PostgreSQL', release: () => database.stop() });
    return database.connectionString;
  }

  /** One for all services but the router, which has its own, of all keys. */
  async function startKeyDirectory(pool: Pool, connectionString: string): Promise<FindKey> {
    if (options.services.every((name) => name === 'router')) return noKeys;
    const directory = await startService(
      createKeyDirectory({ pool, connectionString, scopes: ['read', 'admin'], toHolder: toPrincipal, log, metrics }),
    );
    return (presented) => directory.find(presented, Date.now());
  }

  async function startSimulator(): Promise<readonly Provider[]> {
    const simulator = await startService(
      createSimulator({
        host: '127.0.0.1',
        port: 0,
        seed: config.simulator.seed,
        timeScale: config.simulator.time_scale,
        log,
      }),
    );
    return simulatedProviders(simulator.baseUrl);
  }

  /** The router is ready once it has read a catalogue that the registry has filled. */
  async function untilReady(ports: RunningApp['ports']): Promise<void> {
    const endsAt = Date.now() + readyTimeoutMs;
    const waiting = new Map(
      Object.entries(ports).map(([name, port]) => [
        `${baseUrlOf(config.host, port)}/health/readiness`,
        name === 'router' ? config.workers : 1,
      ]),
    );
    while (waiting.size > 0 && Date.now() < endsAt) {
      for (const [url, processes] of waiting) if (await areReady(url, processes)) waiting.delete(url);
      if (waiting.size > 0) await sleep(50);
    }
    for (const url of waiting.keys()) log.warn({ url }, 'started, but not ready yet; its readiness endpoint says why');
  }
}

/** Several processes on one port take connections in turn: as many answers must come from as many of them. */
async function areReady(url: string, processes: number): Promise<boolean> {
  const ready = await Promise.all(
    Array.from({ length: processes }, async () => {
      const response = await fetch(url, { headers: { connection: 'close' } });
      const { instance_id: instanceId } = (await response.json()) as Health;
      return response.ok ? instanceId : null;
    }),
  );
  return !ready.includes(null) && new Set(ready).size === processes;
}
