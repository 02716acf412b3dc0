import { isRecord, withValueAt } from '../../platform/config/record.ts';
import { textOf } from './deployments.ts';
import type { Report } from './report.ts';

type Draft = Record<string, unknown>;
type Remark = readonly ['differs' | 'missing', string];
/** Sets what corresponds, and says so; null where the value cannot be carried. */
type Carry = (draft: Draft, value: unknown) => { draft: Draft; text: string } | null;

/** LiteLLM takes numbers in quotes too. */
function numberOf(value: unknown): number | null {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : null;
}

/** Milliseconds. */
function seconds(value: unknown): number | null {
  const number = numberOf(value);
  return number !== null && number > 0 ? Math.min(3_600_000, Math.max(1, Math.round(number * 1000))) : null;
}

const wholeNumber =
  (least: number, most: number, convert = (number: number) => number) =>
  (value: unknown) => {
    const number = numberOf(value);
    return number === null || number < 0 ? null : Math.min(most, Math.max(least, Math.round(convert(number))));
  };

/** One setting in another unit or within other bounds. */
function to(path: string, convert: (value: unknown) => unknown, note = ''): Carry {
  return (draft, value) => {
    const converted = convert(value);
    if (converted === null || converted === undefined) return null;
    return { draft: withValueAt(draft, path.split('.'), converted), text: `${path}${note}` };
  };
}

const perComplexity = (value: number | null) =>
  value === null ? null : { simple: value, medium: value, complex: value };
const wholeAnswer = to(
  'deadlines.complete_ms',
  (value) => perComplexity(seconds(value)),
  ', for the whole chain of models',
);
const firstToken = to('deadlines.first_token_ms', (value) => perComplexity(seconds(value)), ', until a stream begins');
const retries = to('retries.same_model', wholeNumber(0, 5), ', 5 at the most, after 5xx and network errors');
const inARow = to(
  'resilience.ejection.consecutive_failures',
  wholeNumber(1, 1000, (fails) => fails + 1),
  ', in a row and not in a minute; a rate of failures ejects too',
);
const coolDown = to('resilience.ejection.base_ejection_ms', seconds, ', longer for each ejection after it');
const verbose = to('log_level', (value) => (value === true ? 'debug' : null));

/** By section and key. Those of the router are read last, and win. */
const carried: Readonly<Record<string, Readonly<Record<string, Carry>>>> = {
  litellm_settings: {
    request_timeout: wholeAnswer,
    num_retries: retries,
    allowed_fails: inARow,
    cooldown_time: coolDown,
    set_verbose: verbose,
  },
  router_settings: {
    timeout: wholeAnswer,
    stream_timeout: firstToken,
    num_retries: retries,
    retry_after: to('retries.backoff_ms', seconds),
    allowed_fails: inARow,
    cooldown_time: coolDown,
    set_verbose: verbose,
    debug_level: to('log_level', (value) => (value === 'DEBUG' ? 'debug' : value === 'INFO' ? 'info' : null)),
    disable_cooldowns: to('resilience.ejection.max_ejected_share', (value) => (value === true ? 0 : null)),
  },
  general_settings: {
    health_check_interval: to('registry.health_check_ms', seconds),
    database_connection_pool_limit: to('database_pool_size', wholeNumber(2, 200)),
    max_request_size_mb: to(
      'body_limit_bytes',
      wholeNumber(1024, 1_073_741_824, (megabytes) => megabytes * 1_048_576),
    ),
  },
};

const noCallbacks: Remark = [
  'missing',
  'there are no callbacks: metrics are at /metrics, traces go to telemetry.otlp, decisions and costs to PostgreSQL (docs/observability.md)',
];
const noCache: Remark = [
  'missing',
  'answers are not kept; conversations stay with a model so that its own prompt cache serves',
];
const noRedis: Remark = ['differs', 'no Redis is needed: routers share limits and what was learned through PostgreSQL'];
const noGuardrails: Remark = ['missing', 'there are no guardrails: put them before or behind the gateway'];
const builtIn = (text: string): Remark => ['differs', text];
const missing = (text: string): Remark => ['missing', text];
const holdsAnyway = builtIn('says what holds anyway');
const notUnderstood = missing('is of a form that is not understood');

const remarks: Readonly<Record<string, Readonly<Record<string, Remark>>>> = {
  litellm_settings: {
    drop_params: builtIn('a translation leaves out what the provider does not have; else requests go as they are'),
    modify_params: builtIn('a translation changes what it must; else requests go as they are'),
    callbacks: noCallbacks,
    success_callback: noCallbacks,
    failure_callback: noCallbacks,
    service_callbacks: noCallbacks,
    turn_off_message_logging: builtIn('no prompt and no answer is ever logged'),
    redact_user_api_key_info: builtIn('no key is ever logged'),
    json_logs: builtIn('logs are always JSON'),
    telemetry: builtIn('nothing is sent to anybody'),
    cache: noCache,
    cache_params: noCache,
    context_window_fallbacks: missing(
      'auto leaves out models whose context is too small; a named model is called as it is',
    ),
    content_policy_fallbacks: missing('a refusal is an answer'),
    max_budget: missing('give keys and teams budgets: signalbox keys create --budget'),
    budget_duration: missing('give keys and teams budgets: signalbox keys create --budget --period'),
    default_team_settings: missing('teams are made with signalbox teams create'),
    default_internal_user_params: missing('there are no users: keys and teams have limits'),
    include_cost_in_streaming_usage: missing(
      'the cost is in the records of decisions, and in a header where the answer is whole',
    ),
    force_ipv4: missing('Node decides by what the name resolves to'),
    public_model_groups: missing('GET /v1/models lists what a key may use'),
    mcp_aliases: missing('tools are the client’s'),
    websearch_interception_params: missing('tools are the client’s'),
    enable_json_schema_validation: missing('races can check answers by a schema: docs/racing.md'),
  },
  router_settings: {
    routing_strategy: builtIn(
      'models of a name are tried in their order, keys of a provider in turn; auto chooses by quality, cost and delay',
    ),
    routing_strategy_args: missing('see routing.weights'),
    redis_host: noRedis,
    redis_port: noRedis,
    redis_password: noRedis,
    redis_url: noRedis,
    redis_db: noRedis,
    cache_responses: noCache,
    cache_kwargs: noCache,
    enable_pre_call_checks: builtIn('auto always leaves out models whose context is too small'),
    enable_pre_call_check: builtIn('auto always leaves out models whose context is too small'),
    optional_pre_call_checks: builtIn('conversations stay with their model; budgets are always checked'),
    enable_tag_filtering: missing('give each team a virtual key with its models: signalbox keys create --models'),
    tag_filtering_match_any: missing('give each team a virtual key with its models: signalbox keys create --models'),
    retry_policy: missing('what is tried again follows from the failure: docs/failures.md'),
    model_group_retry_policy: missing('what is tried again follows from the failure: docs/failures.md'),
    allowed_fails_policy: missing('what counts as a failure follows from its kind: docs/failures.md'),
    context_window_fallbacks: missing(
      'auto leaves out models whose context is too small; a named model is called as it is',
    ),
    content_policy_fallbacks: missing('a refusal is an answer'),
    max_fallbacks: builtIn('all models of a name are tried; for auto set routing.fallback_chain_length'),
    provider_budget_config: missing('budgets are those of keys and teams'),
    default_max_parallel_requests: missing('set resilience.concurrency.per_provider'),
    ignore_invalid_deployments: builtIn('signalbox config check says what is wrong before the start'),
  },
  general_settings: {
    alerting: missing('alert on the metrics at /metrics'),
    alerting_threshold: missing('alert on the metrics at /metrics'),
    alerting_args: missing('alert on the metrics at /metrics'),
    alert_types: missing('alert on the metrics at /metrics'),
    background_health_checks: builtIn('providers are always checked: registry.health_check_ms'),
    store_model_in_db: builtIn('the catalogue is always in PostgreSQL; providers are in this file'),
    disable_prisma_schema_update: builtIn('signalbox migrate, or any start, brings the database up to date'),
    proxy_batch_write_at: builtIn('events are sent at once: events.flush_ms'),
    proxy_budget_rescheduler_min_time: builtIn('budgets begin anew at the turn of their period'),
    proxy_budget_rescheduler_max_time: builtIn('budgets begin anew at the turn of their period'),
    use_redis_transaction_buffer: noRedis,
    max_parallel_requests: missing('set resilience.concurrency.per_provider: it holds for each provider'),
    global_max_parallel_requests: missing('set resilience.concurrency.per_provider: it holds for each provider'),
    allow_requests_on_db_unavailable: builtIn(
      'keys stay known while PostgreSQL is away; limited ones have their leased shares',
    ),
    disable_spend_logs: builtIn('set retention.records_days'),
    maximum_spend_logs_retention_period: missing('set retention.records_days'),
    store_prompts_in_spend_logs: missing('no prompt is ever stored'),
    use_queue: missing('requests are never queued'),
    custom_team_metadata_validate: missing('teams have no metadata'),
    team_metadata_validation_timeout: missing('teams have no metadata'),
    team_metadata_validation_error_message: missing('teams have no metadata'),
    custom_auth: missing('callers have the master key or a virtual key: docs/keys-and-budgets.md'),
    enable_jwt_auth: missing('callers have the master key or a virtual key: docs/keys-and-budgets.md'),
    litellm_jwtauth: missing('callers have the master key or a virtual key: docs/keys-and-budgets.md'),
    pass_through_endpoints: missing('only OpenAI’s and Anthropic’s endpoints are handed on: docs/surfaces.md'),
    forward_client_headers_to_llm_api: missing('headers that the provider’s API knows are handed on: docs/surfaces.md'),
    completion_model: missing('clients name a model, or auto'),
    key_management_system: missing('keys come from the environment or the file'),
    use_azure_key_vault: missing('keys come from the environment or the file'),
  },
};

/** Whole sections that have no counterpart. */
const sections: Readonly<Record<string, Remark>> = {
  environment_variables: missing('set them in the environment of the process; those of Redis are not needed'),
  guardrails: noGuardrails,
  policies: noGuardrails,
  policy_attachments: noGuardrails,
  callback_settings: noCallbacks,
  mcp_servers: missing('tools are the client’s'),
  mcp_tools: missing('tools are the client’s'),
  search_tools: missing('tools are the client’s'),
  vector_store_registry: missing('only questions and their answers go through the gateway'),
  finetune_settings: missing('fine-tuning does not go through the gateway'),
  files_settings: missing('files do not go through the gateway'),
  assistant_settings: missing('assistants do not go through the gateway; Responses do'),
  agent_list: missing('agents are clients'),
  prompts: missing('requests go to the provider as they are'),
  include: missing('import each of these files, and put the results together'),
};

/** What the settings of the four sections say, in a draft of our file. */
export function carrySettings(file: Record<string, unknown>, start: Draft, report: Report): Draft {
  let draft = start;
  for (const [section, carries] of Object.entries(carried)) {
    const values = isRecord(file[section]) ? file[section] : {};
    for (const [key, value] of Object.entries(values)) {
      const done = carries[key]?.(draft, value) ?? null;
      const remark = remarks[section]?.[key];
      if (done !== null) {
        draft = done.draft;
        report.add('carried', [section, key], done.text);
      } else if (carries[key] !== undefined) {
        const [kind, text] = value === false || value === null ? holdsAnyway : notUnderstood;
        report.add(kind, [section, key], text);
      } else if (remark !== undefined) report.add(remark[0], [section, key], remark[1]);
    }
  }
  for (const [section, [kind, text]] of Object.entries(sections)) {
    if (file[section] !== undefined) report.add(kind, [section], text);
  }
  return carryGeneral(file, draft, report);
}

/** What is a secret, or somebody else's. */
function carryGeneral(file: Record<string, unknown>, draft: Draft, report: Report): Draft {
  const general = isRecord(file['general_settings']) ? file['general_settings'] : {};
  const masterKey = textOf(general['master_key']);
  const path = ['general_settings', 'master_key'];
  if (general['database_url'] !== undefined) {
    report.add(
      'differs',
      ['general_settings', 'database_url'],
      'set DATABASE_URL to a database of its own: the tables are others',
    );
  }
  if (masterKey === null) {
    if (general['master_key'] !== undefined) report.add('missing', path, 'is empty');
    return draft;
  }
  if ('variable' in masterKey) {
    report.add('differs', path, `set SIGNALBOX_MASTER_KEY to what ${masterKey.variable} holds`);
    return draft;
  }
  if (masterKey.text.length < 16) {
    report.add('missing', path, 'is too short: set SIGNALBOX_MASTER_KEY to one of 16 characters or more');
    return draft;
  }
  report.add('carried', path, 'master_key; better in SIGNALBOX_MASTER_KEY');
  return { ...draft, master_key: masterKey.text };
}
