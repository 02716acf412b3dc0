// The cheapest provider there can be: the same answer to everybody, in OpenAI's dialect. A process of its own.
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const models = ['gpt-6-luna', 'gpt-6-sol', 'claude-sonnet-5'];
const list = JSON.stringify({
  object: 'list',
  data: models.map((id) => ({ id, object: 'model', created: 0, owned_by: 'bench' })),
});

const sentence = 'The capital of France is Paris. ';
const completion = JSON.stringify({
  id: 'chatcmpl-bench',
  object: 'chat.completion',
  created: 0,
  model: 'gpt-6-luna',
  choices: [{ index: 0, message: { role: 'assistant', content: sentence.repeat(16) }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 250, completion_tokens: 128, total_tokens: 378 },
});
const chunk = { id: 'chatcmpl-bench', object: 'chat.completion.chunk', created: 0, model: 'gpt-6-luna' };
const events = [
  { delta: { role: 'assistant', content: '' }, finish_reason: null },
  ...Array.from({ length: 16 }, () => ({ delta: { content: sentence }, finish_reason: null })),
  { delta: {}, finish_reason: 'stop' },
]
  .map((choice) => `data: ${JSON.stringify({ ...chunk, choices: [{ index: 0, ...choice }] })}\n\n`)
  .concat('data: [DONE]\n\n');

/** Each event in a packet of its own, as from a model that generates. */
function sendEvents(response: ServerResponse, position: number): void {
  if (position === events.length) {
    response.end();
    return;
  }
  response.write(events[position]);
  setImmediate(sendEvents, response, position + 1);
}

const server = createServer((request, response) => {
  if (request.method === 'GET') {
    response.writeHead(200, { 'content-type': 'application/json' }).end(list);
    return;
  }
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    if (Buffer.concat(parts).includes('"stream":true')) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      sendEvents(response, 0);
    } else {
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(completion),
      });
      response.end(completion);
    }
  });
});
server.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ ready: true, port: (server.address() as AddressInfo).port }));
});
process.on('SIGTERM', () => process.exit(0));
