import { createContext } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { ChangeTopic, LiveChanged, LiveOverview } from '../../../src/contracts/dashboard-live.ts';

/** What the server tells by itself. */
export interface Live {
  overview: LiveOverview | undefined;
  isConnected: boolean;
}

export const LiveContext = createContext<Live>({ overview: undefined, isConnected: false });

const changes = new EventTarget();

/** One connection for the whole page; it connects again by itself. */
export function useLive(isWanted: boolean): Live {
  const [live, setLive] = useState<Live>({ overview: undefined, isConnected: false });
  useEffect(() => {
    if (!isWanted) return undefined;
    const source = new EventSource('/live');
    source.addEventListener('open', () => setLive((before) => ({ ...before, isConnected: true })));
    source.addEventListener('error', () => setLive((before) => ({ ...before, isConnected: false })));
    source.addEventListener('overview', (event: MessageEvent<string>) => {
      setLive({ overview: JSON.parse(event.data) as LiveOverview, isConnected: true });
    });
    source.addEventListener('changed', (event: MessageEvent<string>) => {
      for (const topic of (JSON.parse(event.data) as LiveChanged).topics) changes.dispatchEvent(new Event(topic));
    });
    return () => source.close();
  }, [isWanted]);
  return live;
}

/** Calls back whenever the server says that one of the topics may have changed. */
export function useChanges(topics: readonly ChangeTopic[], onChange: () => void): void {
  const names = topics.join(' ');
  useEffect(() => {
    const list = names.split(' ');
    for (const topic of list) changes.addEventListener(topic, onChange);
    return () => {
      for (const topic of list) changes.removeEventListener(topic, onChange);
    };
  }, [names, onChange]);
}
