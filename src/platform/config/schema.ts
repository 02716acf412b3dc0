import { z } from 'zod';
import { mostLanes } from '../../contracts/race.ts';
import { dashboardSchema } from './dashboard-schema.ts';
import { learnerSchema } from './learner-schema.ts';
import { atRestart, secret } from './marks.ts';
import { milliseconds } from './milliseconds.ts';
import { providersSchema } from './provider-schema.ts';
import { routingSchema } from './routing-schema.ts';
import { telemetrySchema } from './telemetry-schema.ts';
import { upgradeSchema } from './upgrade-schema.ts';

const port = z.int().min(0).max(65_535);
const perComplexityMs = (simple: number, medium: number, complex: number) =>
  z
    .strictObject({
      simple: milliseconds.default(simple),
      medium: milliseconds.default(medium),
      complex: milliseconds.default(complex),
    })
    .prefault({});

/** Breakers, throttles and budgets around the calls of providers; each is explained in `src/router/resilience`. */
const resilienceSchema = z.strictObject({
  ejection: z
    .strictObject({
      consecutive_failures: z.int().min(1).max(1000).default(5).describe('Failures in a row that eject a target.'),
      window_ms: milliseconds.default(30_000).describe('Time over which the failure rate is taken.'),
      min_requests: z.int().min(1).max(100_000).default(20).describe('Calls in the window that a rate needs.'),
      failure_rate: z.number().min(0.01).max(1).default(0.5).describe('Share of failed calls that ejects a target.'),
      base_ejection_ms: milliseconds.default(5000).describe('First ejection; the n-th recent one is n times as long.'),
      max_ejection_ms: milliseconds.default(300_000).describe('Longest ejection.'),
      max_ejected_share: z
        .number()
        .min(0)
        .max(1)
        .default(0.9)
        .describe('Share of a chain that may be skipped; beyond it nothing is. 0 never skips.'),
    })
    .prefault({}),
  throttle: z
    .strictObject({
      enabled: z.boolean().default(true).describe('Refuses calls of a model that answers 429, 503, 529 or not at all.'),
      k: z.number().min(1.1).max(100).default(2).describe('How many times as much is sent as is accepted.'),
      window_ms: milliseconds.default(120_000).describe('Time over which calls are counted.'),
    })
    .prefault({}),
  concurrency: z
    .strictObject({
      per_provider: z.int().min(1).max(100_000).default(512).describe('Calls of one provider at once.'),
      max_waiting: z.int().min(0).max(100_000).default(128).describe('Calls that wait for a place.'),
      max_wait_ms: milliseconds.default(1000).describe('Longest wait for a place.'),
    })
    .prefault({}),
  retry_budget: z
    .strictObject({
      share: z.number().min(0).max(1).default(0.2).describe('Retries of the same model per request, over 10 seconds.'),
      min_per_second: z.number().min(0).max(1000).default(10).describe('Retries a second that are always allowed.'),
    })
    .prefault({}),
  hedge: z
    .strictObject({
      enabled: z.boolean().default(false).describe('Sends a second call where the first token is late.'),
      share: z.number().min(0).max(1).default(0.05).describe('Second calls per request at the most.'),
      min_delay_ms: milliseconds.default(250).describe('Earliest second call.'),
      max_delay_ms: milliseconds.default(4000).describe('Latest second call.'),
    })
    .refine((hedge) => hedge.min_delay_ms <= hedge.max_delay_ms, 'min_delay_ms must not exceed max_delay_ms')
    .prefault({}),
});

const configFields = z.strictObject({
  host: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('Address to listen on; others than loopback need master_key.')
    .meta(atRestart),
  allowed_hosts: z
    .array(z.string().regex(/^[a-z0-9.-]+$/, 'a host name in lower case, without a port'))
    .max(100)
    .default([])
    .describe(
      'Without master_key: names of this machine that requests may come under, besides localhost and addresses.',
    ),
  ports: z
    .strictObject({
      registry: port.default(8000),
      router: port.default(8001),
      upgrade: port.default(8002),
      central: port.default(8003),
    })
    .prefault({})
    .describe('0 takes any free port.')
    .meta(atRestart),
  workers: z.int().min(1).max(64).default(1).describe('Processes of the router, all on its one port.').meta(atRestart),
  instance_id: z
    .string()
    .min(1)
    .max(200)
    .regex(/^[\w.:@-]+$/)
    .optional()
    .describe('Default: the host name and the router’s port.')
    .meta(atRestart),
  data_dir: z
    .string()
    .min(1)
    .default('.signalbox')
    .describe('Where the embedded PostgreSQL keeps its data.')
    .meta(atRestart),
  database_url: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must start with postgres:// or postgresql://')
    .optional()
    .describe('A PostgreSQL to use instead of the embedded one.')
    .meta(atRestart),
  database_direct_url: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must start with postgres:// or postgresql://')
    .optional()
    .describe('The same database past a pooler in transaction mode, which passes no notifications on.')
    .meta(atRestart),
  database_pool_size: z.int().min(2).max(200).default(10).describe('Connections of one process.').meta(atRestart),
  master_key: z
    .string()
    .min(16)
    .optional()
    .describe('Required of every caller where it is set; on the router a virtual key will do.')
    .meta(secret),
  previous_master_keys: z
    .array(z.string().min(16))
    .max(10)
    .default([])
    .describe('Accepted beside master_key, until all callers have the new one.')
    .meta(secret),
  read_key: z
    .string()
    .min(16)
    .optional()
    .describe('Opens what central only shows, beside master_key, which it must differ from.')
    .meta(secret),
  authentication: z
    .strictObject({
      failures_per_minute: z
        .int()
        .min(1)
        .max(1_000_000)
        .default(60)
        .describe(
          'Wrong keys of one address (of IPv6 its /64) in a minute; further ones get 429. Good keys always pass.',
        ),
      all_failures_per_minute: z
        .int()
        .min(1)
        .max(1_000_000)
        .default(3000)
        .describe('The same of all addresses together.'),
    })
    .prefault({})
    .describe('How many wrong keys each service of a process answers.'),
  log_level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  body_limit_bytes: z
    .int()
    .min(1024)
    .max(1_073_741_824)
    .default(33_554_432)
    .describe('Larger bodies get 413.')
    .meta(atRestart),
  http: z
    .strictObject({
      headers_timeout_ms: milliseconds.default(20_000).describe('In which the headers of a request must arrive.'),
      request_timeout_ms: milliseconds.default(120_000).describe('In which the whole of a request must arrive.'),
    })
    .refine(
      (http) => http.headers_timeout_ms <= http.request_timeout_ms,
      'headers_timeout_ms must not exceed request_timeout_ms',
    )
    .prefault({})
    .describe('Slow senders. How long an answer may take is not bounded by these.')
    .meta(atRestart),
  drain_delay_ms: z
    .int()
    .min(0)
    .max(3_600_000)
    .default(0)
    .describe('How long a stop, not ready any more, still takes requests: until load balancers know.'),
  drain_timeout_ms: milliseconds.default(30_000).describe('How long a stop waits for requests under way.'),

  demo: z
    .strictObject({
      enabled: z.boolean().default(false).describe('The same as --demo.'),
      requests_per_second: z.number().min(0).max(1000).default(4).describe("Of the demo's prompts."),
    })
    .prefault({})
    .meta(atRestart),
  simulator: z
    .strictObject({
      seed: z.string().min(1).default('signalbox').describe('Equal seeds give equal answers.'),
      time_scale: z.number().min(0).max(100).default(1).describe('0 answers without delay.'),
    })
    .prefault({})
    .meta(atRestart),

  providers: providersSchema,
  registry: z
    .strictObject({
      refresh_ms: milliseconds.default(300_000).describe('How often each provider is asked for its list.'),
      health_check_ms: milliseconds.default(30_000).describe('How often each provider is asked whether it answers.'),
      list_timeout_ms: milliseconds.default(10_000).describe('How long a provider may take to list its models.'),
    })
    .prefault({}),
  routing: routingSchema.prefault({}),
  deadlines: z
    .strictObject({
      first_token_ms: perComplexityMs(5000, 7000, 10_000).describe('Over the whole fallback chain, for streams.'),
      complete_ms: perComplexityMs(60_000, 120_000, 300_000).describe('Over the whole chain, for whole answers.'),
      refinement_ms: milliseconds.default(500).describe('Budget of POST /route/refinement.'),
      stream_idle_ms: milliseconds.default(120_000).describe('Longest silence within a stream.'),
    })
    .prefault({}),
  retries: z
    .strictObject({
      same_model: z.int().min(0).max(5).default(1).describe('Further tries of one model after 5xx or network errors.'),
      backoff_ms: milliseconds.default(100).describe('Pause before a further try, spread by half.'),
    })
    .prefault({}),
  resilience: resilienceSchema.prefault({}),
  race: z
    .strictObject({
      max_lanes: z.int().min(2).max(mostLanes).default(5).describe('Models that one race may call.'),
      max_cost_usd: z
        .number()
        .positive()
        .max(1_000_000)
        .default(1)
        .describe('The most that one race may cost, all lanes together; dearer ones are refused.'),
      timeout_ms: milliseconds.default(60_000).describe('Until it is decided, where the request does not say.'),
    })
    .prefault({})
    .describe('Several models at once for one request.'),
  upstream: z
    .strictObject({
      connections: z.int().min(1).max(10_000).default(512).describe('Per origin.'),
      connect_timeout_ms: milliseconds.default(3000).describe('Of a connection to a provider.'),
    })
    .prefault({}),
  limits: z
    .strictObject({
      reserve_output_tokens: z
        .int()
        .min(1)
        .max(1_000_000)
        .default(4096)
        .describe('Output held of a limited key for a request that names no maximum.'),
      lease_ms: z
        .int()
        .min(1000)
        .max(3_600_000)
        .default(5000)
        .describe('After so long without a sign the shares of an instance are charged as spent.')
        .meta(atRestart),
      flush_ms: milliseconds.default(100).describe('How often costs are settled.').meta(atRestart),
      wait_ms: milliseconds.default(1000).describe('Longest wait of a request for a share of its limits.'),
      max_waiting: z.int().min(1).max(100_000).default(1000).describe('Requests that wait so at once.'),
    })
    .prefault({})
    .describe('How instances share the limits of virtual keys.'),
  events: z
    .strictObject({
      buffer_size: z.int().min(100).max(1_000_000).default(10_000).describe('Events that wait in memory at the most.'),
      batch_size: z.int().min(1).max(1000).default(100).describe('Events sent at once.'),
      flush_ms: milliseconds.default(100).describe('Longest wait of an event.'),
      outbox_max_bytes: z
        .int()
        .min(0)
        .default(268_435_456)
        .describe(
          'Events that wait on disk, in data_dir, while PostgreSQL is away; an eighth more holds those about to be sent. 0: in memory alone.',
        ),
    })
    .prefault({})
    .meta(atRestart),
  consumer: z
    .strictObject({
      poll_ms: milliseconds.default(500).describe('How often the queue is read when no notification comes.'),
      batch_size: z.int().min(1).max(5000).default(200).describe('Messages of one transaction.'),
      visibility_s: z
        .int()
        .min(1)
        .max(3600)
        .default(30)
        .describe('How long feedback waits, at each of five tries, that came before the outcome it is about.'),
      unknown_after_s: z
        .int()
        .min(1)
        .max(604_800)
        .default(900)
        .describe('After so long without an outcome a decision counts as `unknown`, until the outcome comes.'),
      unknown_alarm_rate: z
        .number()
        .min(0)
        .max(1)
        .default(0.05)
        .describe('Share of unknown outcomes of an instance, over an hour, above which central warns.'),
    })
    .prefault({}),
  learner: learnerSchema.prefault({}),
  retention: z
    .strictObject({
      records_days: z.int().min(1).max(3650).default(30).describe('Days that decisions are kept.'),
      processed_events_days: z
        .int()
        .min(1)
        .max(365)
        .default(7)
        .describe('Days in which a repeated event is recognised.'),
      audit_days: z.int().min(30).max(3650).default(400).describe('Days that the audit log is kept.'),
      instances_hours: z
        .int()
        .min(1)
        .max(8760)
        .default(24)
        .describe('Hours after which the queue of an instance that is gone is dropped.'),
    })
    .prefault({}),
  upgrade: upgradeSchema.prefault({}),
  telemetry: telemetrySchema.prefault({}).meta(atRestart),
  dashboard: dashboardSchema.prefault({}),
});

export const configSchema = configFields
  .refine(({ read_key, master_key }) => read_key === undefined || master_key !== undefined, {
    message: 'means nothing without master_key',
    path: ['read_key'],
  })
  .refine(
    ({ read_key, master_key, previous_master_keys: previous }) =>
      read_key === undefined || ![master_key, ...previous].includes(read_key),
    { message: 'must differ from master_key', path: ['read_key'] },
  )
  .refine(({ master_key, previous_master_keys: previous }) => master_key !== undefined || previous.length === 0, {
    message: 'needs a master_key beside it',
    path: ['previous_master_keys'],
  });

export type ConfigValues = z.infer<typeof configSchema>;
