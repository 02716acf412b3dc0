import { createConnection, type Socket } from 'node:net';

/** When an answer came, on the clock of `nowMs`. */
export interface Answer {
  firstTokenAtMs: number;
  endedAtMs: number;
}

/** Milliseconds on a clock that all threads of this process share. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** A word of the answer's first token. */
const token = 'capital';
const lastChunk = '\r\n0\r\n\r\n';

/**
 * A kept connection that sends prepared bytes and reads an answer to its end, one after another. An HTTP client of its own
 * because the load shares the machine with what it measures: this one costs a fraction of a real one.
 */
export class Connection {
  readonly #socket: Socket;
  #head = '';
  #bodyBytesLeft: number | null = null;
  #tail = '';
  #firstTokenAtMs = 0;
  #settle: { resolve(answer: Answer): void; reject(error: Error): void } | undefined;

  constructor(port: number) {
    this.#socket = createConnection({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.on('data', (data) => this.#read(data));
    this.#socket.on('error', (error) => this.#fail(error.message));
    this.#socket.on('close', () => this.#fail('the connection was closed'));
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed;
  }

  /** Rejects where the answer is not the constant upstream's. */
  send(request: Buffer): Promise<Answer> {
    this.#head = '';
    this.#tail = '';
    this.#bodyBytesLeft = null;
    this.#firstTokenAtMs = 0;
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#socket.write(request);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #fail(reason: string): void {
    this.#settle?.reject(new Error(`${reason}; it had answered: ${this.#head.slice(0, 500)}`));
    this.#settle = undefined;
    this.#socket.destroy();
  }

  #read(data: Buffer): void {
    let body = data;
    if (this.#bodyBytesLeft === null) {
      this.#head += data.toString('latin1');
      const end = this.#head.indexOf('\r\n\r\n');
      if (end < 0) return;
      if (!this.#head.startsWith('HTTP/1.1 200')) {
        this.#fail('not the expected answer');
        return;
      }
      body = Buffer.from(this.#head.slice(end + 4), 'latin1');
      const length = /\r\ncontent-length: *(\d+)/i.exec(this.#head.slice(0, end + 2))?.[1];
      this.#bodyBytesLeft = length === undefined ? Infinity : Number(length);
      this.#tail = '\r\n';
    }
    if (this.#firstTokenAtMs === 0 && body.includes(token)) this.#firstTokenAtMs = nowMs();
    this.#bodyBytesLeft -= body.length;
    if (this.#bodyBytesLeft === Infinity) {
      this.#tail = (this.#tail + body.toString('latin1', Math.max(0, body.length - lastChunk.length))).slice(
        -lastChunk.length,
      );
      if (this.#tail === lastChunk) this.#finish();
    } else if (this.#bodyBytesLeft <= 0) {
      this.#finish();
    }
  }

  #finish(): void {
    if (this.#firstTokenAtMs === 0) {
      this.#fail('an answer without the expected text');
      return;
    }
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.resolve({ firstTokenAtMs: this.#firstTokenAtMs, endedAtMs: nowMs() });
  }
}
