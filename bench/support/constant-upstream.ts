// The cheapest provider there can be: the same answer to everybody, in OpenAI's dialect. Run as a process of its own.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const models = ['gpt-6-luna', 'gpt-6-sol', 'claude-sonnet-5'];
const list = JSON.stringify({
  object: 'list',
  data: models.map((id) => ({ id, object: 'model', created: 0, owned_by: 'bench' })),
});
const text = 'The capital of France is Paris. '.repeat(16);
const usage = { prompt_tokens: 250, completion_tokens: 128, total_tokens: 378 };
const completion = JSON.stringify({
  id: 'chatcmpl-bench',
  object: 'chat.completion',
  created: 0,
  model: 'gpt-6-luna',
  choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
  usage,
});
const chunk = (delta: object, finish: string | null): string =>
  `data: ${JSON.stringify({ id: 'chatcmpl-bench', object: 'chat.completion.chunk', created: 0, model: 'gpt-6-luna', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
const events =
  chunk({ role: 'assistant', content: '' }, null) +
  Array.from({ length: 16 }, () => chunk({ content: 'The capital of France is Paris. ' }, null)).join('') +
  chunk({}, 'stop') +
  'data: [DONE]\n\n';

const server = createServer((request, response) => {
  if (request.method === 'GET') {
    response.writeHead(200, { 'content-type': 'application/json' }).end(list);
    return;
  }
  const chunks: Buffer[] = [];
  request.on('data', (part: Buffer) => chunks.push(part));
  request.on('end', () => {
    const streamed = Buffer.concat(chunks).includes('"stream":true');
    response.writeHead(200, { 'content-type': streamed ? 'text/event-stream' : 'application/json' });
    response.end(streamed ? events : completion);
  });
});
server.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ ready: true, port: (server.address() as AddressInfo).port }));
});
process.on('SIGTERM', () => process.exit(0));
