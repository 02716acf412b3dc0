import { Connection } from './connection.ts';
import type { BenchProcess } from './process.ts';

/** Gateways that are measured. */
export const peers = ['raw', 'signalbox', 'portkey'] as const;
export type Peer = (typeof peers)[number];

/** Where requests are sent. */
export interface Target {
  port: number;
  /** What its requests carry besides the usual. */
  headers: Readonly<Record<string, string>>;
}

/** A gateway, and the process that is charged for what it does. */
export interface Gateway extends Target {
  process: BenchProcess;
}

/** The bytes of a request. */
export function requestBytes({ port, headers }: Target, body: string): Buffer {
  const lines = [
    'POST /v1/chat/completions HTTP/1.1',
    `host: 127.0.0.1:${port}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`);
}

/** Connections to a target, opened as they are needed and used again. */
export class Connections {
  readonly #port: number;
  readonly #all = new Set<Connection>();
  readonly #idle: Connection[] = [];

  constructor(target: Target) {
    this.#port = target.port;
  }

  take(): Connection {
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (connection.isOpen) return connection;
      this.#all.delete(connection);
    }
    const connection = new Connection(this.#port);
    this.#all.add(connection);
    return connection;
  }

  giveBack(connection: Connection): void {
    this.#idle.push(connection);
  }

  close(): void {
    for (const connection of this.#all) connection.close();
  }
}
