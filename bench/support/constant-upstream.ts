// The cheapest provider there can be: the same prepared bytes to everybody, in OpenAI's dialect. A process of its own.
// It knows only as much of HTTP as its callers speak: requests one after another, bodies with a content-length.
import { type AddressInfo, createServer, type Socket } from 'node:net';

const models = ['gpt-6-luna', 'gpt-6-sol', 'claude-sonnet-5'];
const sentence = 'The capital of France is Paris. ';
const jsonHead = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n';

const list = wholeAnswer({
  object: 'list',
  data: models.map((id) => ({ id, object: 'model', created: 0, owned_by: 'bench' })),
});
const completion = wholeAnswer({
  id: 'chatcmpl-bench',
  object: 'chat.completion',
  created: 0,
  model: 'gpt-6-luna',
  choices: [{ index: 0, message: { role: 'assistant', content: sentence.repeat(16) }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 250, completion_tokens: 128, total_tokens: 378 },
});
const chunk = { id: 'chatcmpl-bench', object: 'chat.completion.chunk', created: 0, model: 'gpt-6-luna' };
const streamHead = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';
const streamParts = [
  { delta: { role: 'assistant', content: '' }, finish_reason: null },
  ...Array.from({ length: 16 }, () => ({ delta: { content: sentence }, finish_reason: null })),
  { delta: {}, finish_reason: 'stop' },
]
  .map((choice) => `data: ${JSON.stringify({ ...chunk, choices: [{ index: 0, ...choice }] })}\n\n`)
  .concat('data: [DONE]\n\n')
  .map((event) => `${Buffer.byteLength(event).toString(16)}\r\n${event}\r\n`);
const stream = [streamHead + (streamParts[0] ?? ''), ...streamParts.slice(1, -1), `${streamParts.at(-1)}0\r\n\r\n`].map(
  (part) => Buffer.from(part),
);

/** As much of a body as is looked at to see whether a stream is wanted; clients name that beside the model. */
const lookedAtBytes = 512;

function wholeAnswer(body: unknown): Buffer {
  const text = JSON.stringify(body);
  return Buffer.from(`${jsonHead}content-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
}

/** Each event in a packet of its own, as from a model that generates. */
function sendStream(socket: Socket, position: number): void {
  const part = stream[position];
  if (part === undefined || socket.destroyed) return;
  socket.write(part);
  setImmediate(sendStream, socket, position + 1);
}

function answerRequests(socket: Socket): void {
  let head: Buffer | undefined;
  let bodyBytesLeft = 0;
  let answer: 'list' | 'completion' | 'stream' = 'list';

  function finish(): void {
    if (answer === 'stream') sendStream(socket, 0);
    else socket.write(answer === 'list' ? list : completion);
  }
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('data', (data) => {
    if (bodyBytesLeft > 0) {
      bodyBytesLeft -= data.length;
      if (bodyBytesLeft <= 0) finish();
      return;
    }
    head = head === undefined ? data : Buffer.concat([head, data]);
    const headEnd = head.indexOf('\r\n\r\n');
    if (headEnd < 0) return;
    const headers = head.toString('latin1', 0, headEnd);
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(headers)?.[1] ?? 0);
    const bodyStart = headEnd + 4;
    const received = head.length - bodyStart;
    if (received < Math.min(length, lookedAtBytes)) return;
    const beginning = head.toString('latin1', bodyStart, bodyStart + lookedAtBytes);
    answer = headers.startsWith('GET') ? 'list' : /"stream": ?true/.test(beginning) ? 'stream' : 'completion';
    bodyBytesLeft = length - received;
    head = undefined;
    if (bodyBytesLeft <= 0) finish();
  });
}

const server = createServer(answerRequests).listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ ready: true, port: (server.address() as AddressInfo).port }));
});
process.on('SIGTERM', () => process.exit(0));
