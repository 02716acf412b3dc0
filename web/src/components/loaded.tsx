import type { ComponentChildren } from 'preact';
import type { Query } from '../api/use-query.ts';
import { shortTime } from '../format/times.ts';

interface LoadedProps<T> {
  query: Query<T>;
  /** What is loaded, in words: “decisions”. */
  what: string;
  children(data: T): ComponentChildren;
}

/** Shows facts in each of their states: not there yet, failed, there, or there but older than they should be. */
export function Loaded<T>({ query, what, children }: LoadedProps<T>) {
  const { data, error, isLoading, readAtMs, refresh } = query;
  if (data === undefined) {
    if (error !== undefined) return <Failure message={`Cannot read ${what}: ${error.message}.`} onRetry={refresh} />;
    return isLoading ? <Loading what={what} /> : null;
  }
  return (
    <>
      {error === undefined ? null : (
        <Failure
          message={`Not up to date: these ${what} are from ${shortTime(readAtMs)}. ${error.message}.`}
          onRetry={refresh}
        />
      )}
      {children(data)}
    </>
  );
}

function Loading({ what }: { what: string }) {
  return (
    <div class="loading" role="status">
      <span class="visually-hidden">Loading {what} …</span>
      <span class="bar" />
      <span class="bar" />
      <span class="bar" />
    </div>
  );
}

export function Failure({ message, onRetry }: { message: string; onRetry?: () => void }) {
  return (
    <div class="notice bad" role="alert">
      <p>{message}</p>
      {onRetry === undefined ? null : (
        <button type="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}

/** Where there is nothing yet: what would be here, and how it comes about. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children}
    </div>
  );
}
