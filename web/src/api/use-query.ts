import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, callJson } from './client.ts';

/** Facts from the server. `data` stays while they are read again, and where that fails. */
export interface Query<T> {
  data: T | undefined;
  error: ApiError | undefined;
  isLoading: boolean;
  /** When `data` was read, in milliseconds since 1970. */
  readAtMs: number | undefined;
  refresh(): void;
}

interface Read<T> {
  path: string;
  data?: T;
  readAtMs?: number;
  error?: ApiError;
  isLoading: boolean;
}

/** Reads a path now, whenever it changes, and every `everyMs` while the page is seen. Null reads nothing. */
export function useQuery<T>(path: string | null, everyMs?: number): Query<T> {
  const [read, setRead] = useState<Read<T>>({ path: path ?? '', isLoading: path !== null });
  const [round, setRound] = useState(0);
  // Whoever asks for news while they are on their way gets them once more, instead of starting over: a slow server would
  // otherwise never be done.
  const underWay = useRef({ isBusy: false, isAgain: false });

  const refresh = useCallback(() => {
    if (underWay.current.isBusy) underWay.current.isAgain = true;
    else setRound((before) => before + 1);
  }, []);

  useEffect(() => {
    if (path === null) return undefined;
    const abort = new AbortController();
    setRead((before) => (before.path === path ? { ...before, isLoading: true } : { path, isLoading: true }));
    async function readNow(of: string): Promise<void> {
      underWay.current = { isBusy: true, isAgain: false };
      try {
        const data = await callJson<T>(of, { signal: abort.signal });
        setRead({ path: of, data, readAtMs: Date.now(), isLoading: false });
      } catch (error) {
        if (abort.signal.aborted) return;
        const known = error instanceof ApiError ? error : new ApiError('the answer could not be read', 0);
        setRead((before) => ({ ...before, error: known, isLoading: false }));
      }
      const { isAgain } = underWay.current;
      underWay.current = { isBusy: false, isAgain: false };
      if (isAgain) setRound((before) => before + 1);
    }
    void readNow(path);
    return () => {
      abort.abort();
      underWay.current = { isBusy: false, isAgain: false };
    };
  }, [path, round]);

  useEffect(() => {
    if (everyMs === undefined || path === null) return undefined;
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') refresh();
    }, everyMs);
    return () => clearInterval(timer);
  }, [everyMs, path, refresh]);

  const current: Read<T> = read.path === (path ?? '') ? read : { path: path ?? '', isLoading: true };
  return {
    data: current.data,
    error: current.error,
    isLoading: current.isLoading,
    readAtMs: current.readAtMs,
    refresh,
  };
}
