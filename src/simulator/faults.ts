import { createRandom } from '../statistics/random.ts';

/** What goes wrong with a request on purpose. */
export type Fault =
  | { kind: 'refuse' | 'reset_after_headers' | 'bad_event' | 'html' | 'slow' }
  | { kind: 'cut'; tokens: number }
  | { kind: 'stall'; ms: number }
  | { kind: 'stall_after'; tokens: number; ms: number }
  | { kind: 'http'; status: FaultStatus; retryAfterSeconds: number | undefined };

const faultStatuses = [401, 429, 500, 503, 529] as const;
export type FaultStatus = (typeof faultStatuses)[number];

/** How each fault is written. */
export const faultForms = [
  'refuse',
  'reset_after_headers',
  'cut:<tokens>',
  'stall:<ms>',
  'stall_after:<tokens>:<ms>',
  'bad_event',
  'http_401',
  'http_429[:<retry after seconds>]',
  'http_500',
  'http_503',
  'http_529',
  'html',
  'slow',
] as const;

const maxStallMs = 600_000;
const maxTokens = 1_000_000;
const maxRules = 100;

function wholeNumber(text: string | undefined, max: number): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) && Number(text) <= max ? Number(text) : undefined;
}

/** Reads a fault as in `faultForms`; `undefined` if it is none. */
export function parseFault(text: string): Fault | undefined {
  const [name = '', first, second, ...rest] = text.trim().split(':');
  if (rest.length > 0) return undefined;
  if (first === undefined) {
    if (name === 'refuse' || name === 'reset_after_headers' || name === 'bad_event') return { kind: name };
    if (name === 'html' || name === 'slow') return { kind: name };
    const status = faultStatuses.find((each) => name === `http_${each}`);
    return status === undefined ? undefined : { kind: 'http', status, retryAfterSeconds: undefined };
  }
  if (name === 'stall_after') {
    const tokens = wholeNumber(first, maxTokens);
    const ms = wholeNumber(second, maxStallMs);
    return tokens === undefined || ms === undefined ? undefined : { kind: 'stall_after', tokens, ms };
  }
  const argument = second === undefined ? wholeNumber(first, name === 'cut' ? maxTokens : maxStallMs) : undefined;
  if (argument === undefined) return undefined;
  if (name === 'cut') return { kind: 'cut', tokens: argument };
  if (name === 'stall') return { kind: 'stall', ms: argument };
  return name === 'http_429' ? { kind: 'http', status: 429, retryAfterSeconds: argument } : undefined;
}

/** A fault for requests to come. */
export interface FaultRule {
  id: number;
  fault: string;
  /** Only requests for this model; all if absent. */
  model?: string;
  /** How many requests it still strikes; without end if absent. */
  times?: number;
  /** Share of the requests that it strikes. */
  probability: number;
  /** What it strikes: chat, messages and embeddings, or the lists of models. */
  endpoint: 'generation' | 'models';
}

export interface FaultRules {
  /** Adds a rule; `undefined` if there are too many already. */
  add(rule: Omit<FaultRule, 'id'>): FaultRule | undefined;
  list(): FaultRule[];
  clear(): void;
  /** The fault of the first rule that strikes this request, counted against the rule's `times`. */
  take(endpoint: FaultRule['endpoint'], model: string | undefined): Fault | undefined;
}

/** `seed` decides which requests a rule with a probability strikes. */
export function createFaultRules(seed: string): FaultRules {
  let random = createRandom(seed);
  let rules: FaultRule[] = [];
  let lastId = 0;
  return {
    add(rule) {
      if (rules.length >= maxRules) return undefined;
      lastId += 1;
      const added = { id: lastId, ...rule };
      rules.push(added);
      return { ...added };
    },
    list: () => rules.map((rule) => ({ ...rule })),
    clear() {
      random = createRandom(seed);
      rules = [];
    },
    take(endpoint, model) {
      for (const rule of rules) {
        if (rule.endpoint !== endpoint || (rule.model !== undefined && rule.model !== model)) continue;
        if (!random.chance(rule.probability)) continue;
        if (rule.times !== undefined) {
          rule.times -= 1;
          if (rule.times <= 0) rules = rules.filter((each) => each !== rule);
        }
        return parseFault(rule.fault);
      }
      return undefined;
    },
  };
}
