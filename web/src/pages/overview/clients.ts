const question = 'What is the capital of France?';

/** Where a router listens unless it was told otherwise. */
const usualAddress = 'http://localhost:8001';

/** Names that mean the machine which says them, and so another one to a client elsewhere. */
const ownNames: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]', '0.0.0.0', '[::]']);

/**
 * The router’s address for a client of this page’s viewer: where central knows the router by a name that is true on its own
 * machine alone, the host by which the page was reached takes its place.
 */
export function clientAddress(routerUrl: string | null, pageHost: string): string {
  const url = new URL(routerUrl ?? usualAddress);
  if (ownNames.has(url.hostname)) url.hostname = pageHost;
  return url.origin;
}

export function curlExample(address: string): string {
  return [
    `curl ${address}/v1/chat/completions -H 'content-type: application/json' \\`,
    `  -H 'authorization: Bearer YOUR_KEY' \\`,
    `  -d '{"model":"auto","messages":[{"role":"user","content":"${question}"}]}'`,
  ].join('\n');
}

export function openAiExample(address: string): string {
  return `import OpenAI from 'openai';

const client = new OpenAI({
  baseURL: '${address}/v1',
  apiKey: 'YOUR_KEY',
});
const answer = await client.chat.completions.create({
  model: 'auto',
  messages: [{ role: 'user', content: '${question}' }],
});`;
}

export function anthropicExample(address: string): string {
  return `import Anthropic from '@anthropic-ai/sdk';

const client = new Anthropic({
  baseURL: '${address}',
  apiKey: 'YOUR_KEY',
});
const answer = await client.messages.create({
  model: 'auto',
  max_tokens: 1000,
  messages: [{ role: 'user', content: '${question}' }],
});`;
}
