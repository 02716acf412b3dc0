import { connect } from 'node:net';
import type { Answer } from './answers.ts';
import type { Operation } from './operations.ts';

/** How long a server may keep a connection that its client has half closed. */
const answerTimeoutMs = 10_000;

/** What is sent to a path that is no HTTP, or no clean HTTP. */
export function malformedMessages({ method, path }: Operation): string[] {
  const host = 'Host: 127.0.0.1\r\n';
  const body = 'Content-Type: application/json\r\n';
  const target = path.replaceAll(/\{\w+\}/g, 'x');
  const request = (headers: string, rest = ''): string => `${method} ${target} HTTP/1.1\r\n${headers}\r\n${rest}`;
  return [
    '',
    '\r\n\r\n',
    '\0\0\0\0',
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
    `GARBAGE ${target} HTTP/1.1\r\n${host}\r\n`,
    `${method.toLowerCase()} ${target} HTTP/1.1\r\n${host}\r\n`,
    `${method} ${target} HTTP/9.9\r\n${host}\r\n`,
    `${method} ${target}\r\n\r\n`,
    `${method} ${target} x HTTP/1.1\r\n${host}\r\n`,
    `${method} ${target}\xff\xfe HTTP/1.1\r\n${host}\r\n`,
    `${method} http://elsewhere${target} HTTP/1.1\r\n${host}\r\n`,
    `${method} * HTTP/1.1\r\n${host}\r\n`,
    `${method} //${target} HTTP/1.1\r\n${host}\r\n`,
    `CONNECT ${target} HTTP/1.1\r\n${host}\r\n`,
    request(''),
    request(`${host}${host}`),
    request(`${host}no colon\r\n`),
    request(`${host}: no name\r\n`),
    request(`${host}x: a\0b\r\n`),
    request(`${host}x: a\rb\r\n`),
    request(`${host}x: a\n y\r\n`),
    request(`${host}x y: 1\r\n`),
    request(`${host}x: ${'y'.repeat(20_000)}\r\n`),
    request(`${host}Expect: nothing\r\n`),
    request(`${host}Upgrade: websocket\r\nConnection: Upgrade\r\n`),
    request(`${host}${body}Content-Length: -1\r\n`, '{}'),
    request(`${host}${body}Content-Length: ten\r\n`, '{}'),
    request(`${host}${body}Content-Length: 99999999999999999999\r\n`, '{}'),
    request(`${host}${body}Content-Length: 100\r\n`, '{"a":1}'),
    request(`${host}${body}Content-Length: 2\r\nContent-Length: 3\r\n`, '{}'),
    request(`${host}${body}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n`, '2\r\n{}\r\n0\r\n\r\n'),
    request(`${host}${body}Transfer-Encoding: chunked\r\n`, 'zz\r\n{}\r\n0\r\n\r\n'),
    request(`${host}${body}Transfer-Encoding: chunked\r\n`, 'ffffffffffffffffff\r\n{}'),
    request(`${host}${body}Transfer-Encoding: chunked\r\n`, '2\r\n{}'),
    request(`${host}${body}Transfer-Encoding: gzip\r\n`, '{}'),
  ];
}

/** Writes bytes (Latin-1), closes its half of the connection, and reads the answers until the server closes too. */
export function sendBytes(origin: string, bytes: string): Promise<Answer[]> {
  const { hostname, port } = new URL(origin);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port) });
    let received = '';
    socket.setEncoding('latin1').setTimeout(answerTimeoutMs, () => {
      reject(new Error(`the server neither answered nor closed within ${answerTimeoutMs} ms`));
      socket.destroy();
    });
    socket.on('data', (chunk: string) => (received += chunk));
    // A reset is an answer too: the server did not want to hear more.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => resolve(splitAnswers(received)));
    socket.end(Buffer.from(bytes, 'latin1'));
  });
}

function splitAnswers(received: string): Answer[] {
  return received
    .split(/(?=HTTP\/1\.1 \d{3} )/)
    .filter((text) => text.startsWith('HTTP/'))
    .map((text) => {
      const [head = '', ...body] = text.split('\r\n\r\n');
      const [status = '', ...lines] = head.split('\r\n');
      const headers = lines.map((line): [string, string] => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
      });
      return {
        status: Number(status.split(' ')[1]),
        headers: Object.fromEntries(headers),
        // Node's own refusals are an empty chunked body.
        body: Buffer.from(body.join('\r\n\r\n').replace(/^0\r\n(\r\n)?$/, ''), 'latin1').toString('utf8'),
      };
    });
}
