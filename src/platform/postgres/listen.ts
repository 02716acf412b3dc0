import { Client, escapeIdentifier } from 'pg';
import { sleep } from '../core/clock.ts';
import type { HealthCheck, Service } from '../core/service.ts';
import type { Logger } from '../telemetry/logger.ts';

export interface ListenerOptions {
  connectionString: string;
  channels: readonly string[];
  /**
   * Called for each notification, and once for every channel (with an empty payload) after each time the connection was
   * made: something may have been missed before. Must be quick.
   */
  onNotify: (channel: string, payload: string) => void;
  log: Logger;
}

const maxBackoffMs = 10_000;

/**
 * Listens on a connection of its own, and connects again for ever until it is stopped. Notifications are hints that
 * wake somebody early: while the connection is away they are lost.
 *
 * `start` resolves after the first attempt, whether it worked or not.
 */
export function createListener(options: ListenerOptions): Service {
  const { connectionString, channels, onNotify, log } = options;
  const stopping = new AbortController();
  let connected = false;
  let running: Promise<void> | undefined;

  function notify(channel: string, payload: string): void {
    try {
      onNotify(channel, payload);
    } catch (error) {
      log.error({ channel, err: error }, 'a notification was not handled');
    }
  }

  /** One connection's life. Rejects when it cannot be made, resolves when it is over. */
  async function listen(onListening: () => void): Promise<void> {
    const client = new Client({
      connectionString,
      application_name: 'signalbox listener',
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
    });
    const over = new AbortController();
    client.on('error', (error) => log.warn({ err: error }, 'the listening connection was lost'));
    client.on('end', () => over.abort());
    client.on('notification', ({ channel, payload }) => notify(channel, payload ?? ''));
    try {
      await client.connect();
      for (const channel of channels) await client.query(`listen ${escapeIdentifier(channel)}`);
      onListening();
      for (const channel of channels) notify(channel, '');
      await aborted(AbortSignal.any([over.signal, stopping.signal]));
    } finally {
      connected = false;
      await client.end();
    }
  }

  async function run(onFirstAttempt: () => void): Promise<void> {
    let failuresInARow = 0;
    while (!stopping.signal.aborted) {
      try {
        await listen(() => {
          connected = true;
          failuresInARow = 0;
          onFirstAttempt();
        });
      } catch (error) {
        log.warn({ err: error }, 'cannot listen for notifications');
      }
      onFirstAttempt();
      const delayMs = Math.min(maxBackoffMs, 100 * 2 ** Math.min(failuresInARow, 10));
      failuresInARow += 1;
      await sleep(delayMs, stopping.signal);
    }
  }

  return {
    name: 'listener',
    start() {
      return new Promise((resolve) => {
        running = run(resolve);
      });
    },
    async stop() {
      stopping.abort();
      await running;
    },
    health(): HealthCheck {
      return connected ? { ok: true } : { ok: false, detail: 'not listening for notifications' };
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
