import { type Dispatcher, request } from 'undici';
import { modelIdSchema } from '../../contracts/index.ts';
import { SignalboxError } from '../core/errors.ts';
import { authHeaders, type Provider } from './definitions.ts';

/** One entry of a provider's list. Null where the list does not say. */
export interface ListedModel {
  id: string;
  displayName: string | null;
  contextWindow: number | null;
  maxOutputTokens: number | null;
}

export interface ListOptions {
  /** For the whole list, all pages together. */
  timeoutMs: number;
  signal?: AbortSignal;
}

const maxPages = 20;
const maxModels = 10_000;
/** OpenRouter's list, the longest known, has about 1 MB. */
const maxBytes = 16 * 1024 * 1024;
const maxTokens = 100_000_000;

/**
 * The models that a provider lists, each id once, ids that no catalogue row could have left out.
 *
 * Throws a SignalboxError: `upstream_auth_failed` when the provider refuses the key, `deadline_exceeded` after
 * `timeoutMs`, `stopping` when `signal` aborts, else `upstream_failed`. No message holds a key or what the provider
 * answered.
 */
export async function listModels(provider: Provider, options: ListOptions): Promise<ListedModel[]> {
  return withDeadline(provider, options, async (signal) => {
    const found = new Map<string, ListedModel>();
    let afterId: string | undefined;
    for (let page = 0; page < maxPages; page += 1) {
      const body = await readPage(provider, pageUrl(provider, 1000, afterId), signal);
      const { entries, nextId } = parsePage(provider, body);
      for (const entry of entries) {
        const model = parseEntry(provider, entry);
        if (model !== undefined && !found.has(model.id)) found.set(model.id, model);
      }
      if (found.size > maxModels) throw failed(provider, `listed more than ${maxModels} models`);
      if (nextId === undefined || nextId === afterId) return [...found.values()];
      afterId = nextId;
    }
    throw failed(provider, `listed its models on more than ${maxPages} pages`);
  });
}

/**
 * Asks for the list without reading it: whether the provider answers and takes the key. Answers the milliseconds to the
 * response's headers; throws as `listModels` does.
 */
export async function probeProvider(provider: Provider, options: ListOptions): Promise<number> {
  return withDeadline(provider, options, async (signal) => {
    const startedMs = performance.now();
    const { body } = await get(provider, pageUrl(provider, 1), signal);
    const latencyMs = performance.now() - startedMs;
    // A short rest is read, so that the connection can be used again; a long one is cut.
    await body.dump({ limit: 65_536, signal });
    return latencyMs;
  });
}

function pageUrl(provider: Provider, limit: number, afterId?: string): string {
  // Bedrock lists at another host than it answers at.
  if (provider.dialect === 'bedrock') {
    return `${provider.baseUrl.replace('//bedrock-runtime.', '//bedrock.')}/foundation-models?byOutputModality=TEXT`;
  }
  const url = `${provider.baseUrl}/models`;
  if (provider.dialect === 'openai') return url;
  const after = afterId === undefined ? '' : `&after_id=${encodeURIComponent(afterId)}`;
  return `${url}?limit=${limit}${after}`;
}

async function withDeadline<T>(
  provider: Provider,
  options: ListOptions,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = AbortSignal.timeout(options.timeoutMs);
  const signal = options.signal === undefined ? deadline : AbortSignal.any([deadline, options.signal]);
  try {
    return await run(signal);
  } catch (error) {
    if (error instanceof SignalboxError) throw error;
    if (options.signal?.aborted === true) {
      throw new SignalboxError('stopping', `${provider.name}: listing models was broken off`, { cause: error });
    }
    if (deadline.aborted) {
      const message = `${provider.name}: no list of models within ${options.timeoutMs} ms`;
      throw new SignalboxError('deadline_exceeded', message, { cause: error });
    }
    throw failed(provider, `cannot be reached${errorCode(error)}`, error);
  }
}

function errorCode(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? ` (${code})` : '';
}

function failed(provider: Provider, what: string, cause?: unknown): SignalboxError {
  return new SignalboxError('upstream_failed', `${provider.name}: ${what}`, { cause });
}

async function get(provider: Provider, url: string, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
  const headers = { accept: 'application/json', ...authHeaders(provider) };
  const response = await request(url, { method: 'GET', headers, signal });
  const { statusCode, body } = response;
  if (statusCode === 200) return response;
  await body.dump({ limit: 65_536, signal });
  if (statusCode === 401 || statusCode === 403) {
    const message = `${provider.name}: the provider refused the key (${statusCode})`;
    throw new SignalboxError('upstream_auth_failed', message);
  }
  throw failed(provider, `listing models answered ${statusCode}`);
}

async function readPage(provider: Provider, url: string, signal: AbortSignal): Promise<unknown> {
  const { body } = await get(provider, url, signal);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    // Leaving the loop destroys the rest of the body.
    if (bytes > maxBytes) throw failed(provider, `its list of models is longer than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (error) {
    // Without its cause: the message of a SyntaxError quotes the text.
    throw failed(provider, error instanceof SyntaxError ? 'its list of models is not JSON' : 'its list cannot be read');
  }
}

/** `{data: [...]}`; Together answers the bare list, Bedrock `{modelSummaries: [...]}`. */
function parsePage(provider: Provider, body: unknown): { entries: unknown[]; nextId: string | undefined } {
  const entries: unknown = Array.isArray(body) ? body : (field(body, 'data') ?? field(body, 'modelSummaries'));
  if (!Array.isArray(entries)) throw failed(provider, 'answered something other than a list of models');
  const lastId = field(body, 'last_id');
  const more = provider.dialect === 'anthropic' && field(body, 'has_more') === true;
  return { entries, nextId: more && typeof lastId === 'string' ? lastId : undefined };
}

function parseEntry(provider: Provider, entry: unknown): ListedModel | undefined {
  const listedId = field(entry, 'id') ?? field(entry, 'modelId');
  if (typeof listedId !== 'string') return undefined;
  // Gemini lists `models/gemini-…` and takes both forms.
  const id = provider.kind === 'gemini' ? listedId.replace(/^models\//, '') : listedId;
  if (!modelIdSchema.safeParse(id).success) return undefined;
  const name = field(entry, 'display_name') ?? field(entry, 'name') ?? field(entry, 'modelName');
  return {
    id,
    displayName: typeof name === 'string' && name !== '' && name !== id ? name.slice(0, 200) : null,
    // In turn: Groq, OpenRouter and Together, Mistral, vLLM, Anthropic.
    contextWindow: firstTokenCount(entry, [
      'context_window',
      'context_length',
      'max_context_length',
      'max_model_len',
      'max_input_tokens',
    ]),
    maxOutputTokens: firstTokenCount(entry, ['max_completion_tokens', 'max_output_tokens', 'max_tokens']),
  };
}

function firstTokenCount(entry: unknown, names: readonly string[]): number | null {
  for (const name of names) {
    const value = field(entry, name);
    if (typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= maxTokens) return value;
  }
  return null;
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}
