import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Provider } from '../../../src/platform/providers/definitions.ts';

/** A provider's list endpoint, over real HTTP, whose answer a test can change. */
export interface ListServer {
  provider(changes?: Partial<Provider>): Provider;
  /** The ids listed from now on. */
  list(...ids: string[]): void;
  /** Answers this status from now on; 200 again lists. */
  answer(status: number): void;
  /** Holds requests back until `release`. */
  hold(): void;
  release(): void;
  /** Resolves when the next request comes in, or at once when one is held. */
  waitForRequest(): Promise<void>;
  stop(): Promise<void>;
}

export async function startListServer(...first: string[]): Promise<ListServer> {
  let ids = first;
  let status = 200;
  let gate: { opened: Promise<void>; open: () => void } | undefined;
  let held = 0;
  const waiting: Array<() => void> = [];

  async function reply(response: ServerResponse): Promise<void> {
    held += 1;
    for (const resolve of waiting.splice(0)) resolve();
    await gate?.opened;
    held -= 1;
    response.statusCode = status;
    response.setHeader('content-type', 'application/json');
    const list = { data: ids.map((id) => ({ id, object: 'model' })) };
    response.end(JSON.stringify(status === 200 ? list : { error: {} }));
  }

  const server = createServer((_request, response) => void reply(response));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;

  return {
    provider: (changes = {}) => ({
      name: 'openai',
      kind: 'openai',
      dialect: 'openai',
      baseUrl: `http://127.0.0.1:${port}/v1`,
      passes: [],
      apiKey: 'sk-test-0123456789',
      apiKeys: ['sk-test-0123456789'],
      priceListId: 'openai',
      models: [],
      simulated: false,
      ...changes,
    }),
    list(...next) {
      ids = next;
    },
    answer(next) {
      status = next;
    },
    hold() {
      const { promise, resolve } = promiseWithResolve();
      gate = { opened: promise, open: resolve };
    },
    release() {
      gate?.open();
      gate = undefined;
    },
    waitForRequest() {
      if (held > 0) return Promise.resolve();
      return new Promise((resolve) => {
        waiting.push(resolve);
      });
    },
    async stop() {
      gate?.open();
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

function promiseWithResolve(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
