import type { Live } from '../api/live.ts';

/** Whether the page hears from the server, and how busy that is. */
export function LiveStatus({ live: { overview, isConnected } }: { live: Live }) {
  return (
    <p class="live-status">
      <span class={isConnected ? 'dot good' : 'dot warn'} aria-hidden="true" />
      {/* Only the word is read aloud, and only when it changes; the rate would not stop talking. */}
      <span role="status">{isConnected ? 'Live' : 'Connecting …'}</span>
      {overview === undefined || !isConnected ? null : (
        <span class="dim">{overview.requests_per_second.toFixed(1)} requests/s</span>
      )}
    </p>
  );
}
