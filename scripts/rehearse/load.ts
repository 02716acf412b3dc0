import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { sleep } from '../../src/platform/core/clock.ts';
import { messageOf } from '../../src/platform/core/errors.ts';

/** What became of one request, as its client saw it. */
export interface Sent {
  client: string;
  /** Whether the client tries again by itself, as the official ones do by default. */
  retries: boolean;
  startedAtMs: number;
  endedAtMs: number;
  /** Whether something of the answer had come. */
  begun: boolean;
  /** Undefined where the client saw none. */
  decisionId: string | undefined;
  /** Null where the answer was complete. */
  failure: string | null;
}

export interface Load {
  readonly sent: readonly Sent[];
  /** Lets what is under way end. */
  stop(): Promise<void>;
}

interface Answer {
  begun: boolean;
  decisionId: string | undefined;
}

type Ask = (seen: Answer) => Promise<void>;

const question = 'Explain in a few sentences why the sky is blue, and why it is red in the evening.';
const messages = [{ role: 'user' as const, content: question }];
const idHeader = 'x-signalbox-decision-id';
/** Of each kind, with and without repeats of its own. */
const clientsOfAKind = 2;
const longestPauseMs = 300;

/** Steady requests of the official clients, streams and whole answers, over connections that are kept. */
export function startLoad(baseUrl: string, keys: readonly string[]): Load {
  const stopping = new AbortController();
  const sent: Sent[] = [];

  async function run(client: string, retries: boolean, ask: Ask): Promise<void> {
    while (!stopping.signal.aborted) {
      const seen: Answer = { begun: false, decisionId: undefined };
      const startedAtMs = Date.now();
      const failure = await ask(seen).then(
        () => null,
        (error: unknown) => describe(error),
      );
      sent.push({ client, retries, startedAtMs, endedAtMs: Date.now(), ...seen, failure });
      await sleep(Math.random() * longestPauseMs, stopping.signal);
    }
  }

  const running = [true, false].flatMap((retries) =>
    Array.from({ length: clientsOfAKind }, (_, index) => {
      const options = {
        apiKey: keys[index % keys.length] ?? '',
        logLevel: 'off' as const,
        ...(retries ? {} : { maxRetries: 0 }),
      };
      return Object.entries({
        ...openAi(new OpenAI({ ...options, baseURL: `${baseUrl}/v1` })),
        ...anthropic(new Anthropic({ ...options, baseURL: baseUrl })),
      }).map(([client, ask]) => run(client, retries, ask));
    }).flat(),
  );

  return {
    sent,
    async stop() {
      stopping.abort();
      await Promise.all(running);
    },
  };
}

function openAi(client: OpenAI): Record<string, Ask> {
  const { completions } = client.chat;
  return {
    async 'openai whole'(seen) {
      const { data, response } = await completions.create({ model: 'auto', messages }).withResponse();
      note(seen, response);
      const [choice] = data.choices;
      assertWhole(choice?.finish_reason === 'stop' && choice.message.content !== '');
    },
    async 'openai stream'(seen) {
      const { data, response } = await completions.create({ model: 'auto', messages, stream: true }).withResponse();
      note(seen, response);
      let finish: string | null | undefined;
      let text = '';
      for await (const { choices } of data) {
        text += choices[0]?.delta.content ?? '';
        finish ??= choices[0]?.finish_reason;
      }
      assertWhole(finish === 'stop' && text !== '');
    },
  };
}

function anthropic(client: Anthropic): Record<string, Ask> {
  const body = { model: 'auto', max_tokens: 1024, messages };
  return {
    async 'anthropic whole'(seen) {
      const { data, response } = await client.messages.create(body).withResponse();
      note(seen, response);
      assertWhole(data.stop_reason === 'end_turn' && data.content.length > 0);
    },
    async 'anthropic stream'(seen) {
      const { data, response } = await client.messages.create({ ...body, stream: true }).withResponse();
      note(seen, response);
      let stopped = false;
      let text = '';
      for await (const event of data) {
        if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') text += event.delta.text;
        stopped ||= event.type === 'message_stop';
      }
      assertWhole(stopped && text !== '');
    },
  };
}

function note(seen: Answer, { headers }: { headers: Headers }): void {
  seen.begun = true;
  seen.decisionId = headers.get(idHeader) ?? undefined;
}

function assertWhole(isWhole: boolean): void {
  if (!isWhole) throw new Error('the answer is not complete');
}

/** With its causes: that a connection failed says little without why. */
function describe(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause === undefined ? messageOf(error) : `${messageOf(error)} (${describe(cause)})`;
}
