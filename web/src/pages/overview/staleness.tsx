import type { Overview } from '../../../../src/contracts/dashboard.ts';
import { plural, seconds } from '../../format/numbers.ts';

const lateSeconds = 30;

/** Says so where the numbers lag behind what happens. */
export function Staleness({ overview: { staleness, instances } }: { overview: Overview }) {
  const { oldest_waiting_seconds: oldest, waiting_events: waiting } = staleness;
  const late = oldest !== null && oldest > lateSeconds;
  if (!late && instances.stale === 0) return null;
  return (
    <div class="notice warn" role="status">
      <p>
        {late
          ? `These numbers are late: ${plural(waiting, 'event')} wait to be counted, the oldest for ${seconds(oldest)}. `
          : null}
        {instances.stale > 0 ? (
          <>
            {plural(instances.stale, 'instance')} fell silent. <a href="#/instances">See instances</a>
          </>
        ) : null}
      </p>
    </div>
  );
}
