import { catalogueChannel, predictorsChannel, scoresChannel } from '../../contracts/event.ts';
import type { ChangeTopic, LiveOverview } from '../../contracts/dashboard-live.ts';
import { keysChannel } from '../../contracts/keys.ts';
import { rolloutsChannel } from '../../contracts/rollout.ts';
import { createLoop, type Loop } from '../../platform/core/loop.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import { type Pulse, readPulse } from '../../platform/store/pulse.ts';
import type { Logger } from '../../platform/telemetry/logger.ts';
import { shareOf } from './traffic.ts';

/** What is new for one listener since it was last told. */
export interface News {
  overview: LiveOverview | null;
  topics: readonly ChangeTopic[];
}

/** Tells whoever listens what happens; reads it once for all of them, and only while there is somebody. */
export interface Live {
  /** News as they come, until `signal` aborts or it is closed; undefined where as many listen as may. */
  listen(signal: AbortSignal): AsyncIterable<News> | undefined;
  /** A notification came on one of `liveChannels`. */
  onNotify(channel: string): void;
  /** Ends all that listen. */
  close(): Promise<void>;
}

const topicOfChannel: ReadonlyMap<string, ChangeTopic> = new Map([
  [scoresChannel, 'scores'],
  [rolloutsChannel, 'rollouts'],
  [catalogueChannel, 'models'],
  [predictorsChannel, 'predictors'],
  [keysChannel, 'keys'],
]);

/** Channels of the database that say what changed. */
export const liveChannels: readonly string[] = [...topicOfChannel.keys()];

const intervalMs = 2000;
const mostListeners = 100;

interface Listener {
  overview: LiveOverview | null;
  topics: Set<ChangeTopic>;
  /** Ends its wait. */
  wake(): void;
}

export function createLive({ pool, log }: { pool: Pool; log: Logger }): Live {
  const listeners = new Set<Listener>();
  const closing = new AbortController();
  let poller: Loop | undefined;
  let last: Pulse | undefined;

  function tell(overview: LiveOverview | null, topics: readonly ChangeTopic[]): void {
    for (const listener of listeners) {
      // One that is slow to read gets the newest overview, and each topic once.
      listener.overview = overview ?? listener.overview;
      topics.forEach((topic) => listener.topics.add(topic));
      listener.wake();
    }
  }

  async function poll(): Promise<void> {
    const pulse = await readPulse(pool);
    if (listeners.size === 0) return;
    tell(toOverview(pulse), last === undefined ? [] : changedTopics(last, pulse));
    last = pulse;
  }

  function join(listener: Listener): void {
    listeners.add(listener);
    if (poller !== undefined) return;
    poller = createLoop({ name: 'live', intervalMs, maxBackoffMs: 10_000, log, runOnce: poll });
    void poller.start();
  }

  function leave(listener: Listener): void {
    if (!listeners.delete(listener) || listeners.size > 0) return;
    void poller?.stop();
    poller = undefined;
    last = undefined;
  }

  async function* newsFor(listener: Listener, signal: AbortSignal): AsyncGenerator<News> {
    try {
      while (!signal.aborted) {
        if (listener.overview === null && listener.topics.size === 0) {
          await new Promise<void>((resolve) => {
            listener.wake = resolve;
          });
          continue;
        }
        const news = { overview: listener.overview, topics: [...listener.topics] };
        listener.overview = null;
        listener.topics.clear();
        yield news;
      }
    } finally {
      leave(listener);
    }
  }

  return {
    listen(signal) {
      if (listeners.size >= mostListeners || closing.signal.aborted) return undefined;
      const listener: Listener = {
        overview: last === undefined ? null : toOverview(last),
        topics: new Set(),
        wake: () => undefined,
      };
      join(listener);
      const ended = AbortSignal.any([signal, closing.signal]);
      // Whoever stops reading and goes is not waited for: its place is free at once, wherever its news were.
      ended.addEventListener(
        'abort',
        () => {
          leave(listener);
          listener.wake();
        },
        { once: true },
      );
      return newsFor(listener, ended);
    },
    onNotify(channel) {
      const topic = topicOfChannel.get(channel);
      if (topic !== undefined) tell(null, [topic]);
    },
    async close() {
      closing.abort();
      await poller?.stop();
    },
  };
}

function changedTopics(before: Pulse, now: Pulse): ChangeTopic[] {
  return [
    ...(before.incidentsMark === now.incidentsMark ? [] : (['incidents'] as const)),
    ...(before.instancesMark === now.instancesMark ? [] : (['instances'] as const)),
  ];
}

function toOverview(pulse: Pulse): LiveOverview {
  const { answers, requestsEnded, requestsLeft } = pulse;
  return {
    at: pulse.at.toISOString(),
    requests_per_second: pulse.requests / pulse.seconds,
    success_rate: shareOf(answers, Math.max(answers, requestsEnded - requestsLeft)),
    cost_usd_per_hour: (pulse.costUsd / pulse.seconds) * 3600,
    newest_decision_at: pulse.newestDecisionAt?.toISOString() ?? null,
    newest_event_at: pulse.newestEventAt?.toISOString() ?? null,
    waiting_events: pulse.waitingEvents,
    open_incidents: pulse.openIncidents,
  };
}
