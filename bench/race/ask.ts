import type { RaceResponse } from '../../src/contracts/race-api.ts';
import { right } from './rivals.ts';

/** How one request went, as its client saw it. */
export interface Asked {
  /** Null where the answer came whole. */
  firstContentMs: number | null;
  completeMs: number;
  /** Whether the answer was right; null where there was none. */
  isRight: boolean | null;
}

export type Ask = (routerUrl: string, question: number) => Promise<Asked>;

/** A chat completion as a stream; `more` names the model, or the race. */
export function stream(more: object): Ask {
  return async (routerUrl, question) => {
    const startedAtMs = performance.now();
    const response = await post(`${routerUrl}/v1/chat/completions`, {
      messages: [{ role: 'user', content: promptOf(question) }],
      stream: true,
      max_tokens: 100,
      ...more,
    });
    let firstContentMs: number | null = null;
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk as Uint8Array, { stream: true });
      if (firstContentMs === null && text.includes('"content":"')) firstContentMs = performance.now() - startedAtMs;
    }
    return {
      firstContentMs,
      completeMs: performance.now() - startedAtMs,
      isRight: text.includes(`it is ${right(question)}"`),
    };
  };
}

/** `POST /race`, and what to make of its answer. */
export function race(more: object, judge: (response: RaceResponse, question: number) => boolean | null): Ask {
  return async (routerUrl, question) => {
    const startedAtMs = performance.now();
    const response = await post(`${routerUrl}/race`, { prompt: promptOf(question), max_tokens: 100, ...more });
    const answer = (await response.json()) as RaceResponse;
    return { firstContentMs: null, completeMs: performance.now() - startedAtMs, isRight: judge(answer, question) };
  };
}

/** Whether the selected answer is right. */
export function selectedIsRight({ selected }: RaceResponse, question: number): boolean | null {
  return selected === null ? null : isRight(selected.output, question);
}

/** What a plain vote of all lanes would have said: the answer of more than half of them. */
export function majorityIsRight({ candidates }: RaceResponse, question: number): boolean | null {
  const counts = new Map<string, number>();
  for (const { output } of candidates) {
    const key = /it is (\d+)/.exec(output ?? '')?.[1] ?? '';
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const [top] = [...counts].sort(([, a], [, b]) => b - a);
  return top === undefined || top[1] <= candidates.length / 2 ? null : Number(top[0]) === right(question);
}

function isRight(output: string | null, question: number): boolean {
  return output?.endsWith(`it is ${right(question)}`) ?? false;
}

const promptOf = (question: number): string => `This is question ${question}. End with the number.`;

async function post(url: string, body: object): Promise<Response> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${(await response.text()).slice(0, 300)}`);
  return response;
}
