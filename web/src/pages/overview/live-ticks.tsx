import { useContext } from 'preact/hooks';
import { LiveContext } from '../../api/live.ts';
import { count, percent, usd } from '../../format/numbers.ts';

/** The last minute, told by the server every two seconds. Not read aloud: it would never end. */
export function LiveTicks() {
  const { overview, isConnected } = useContext(LiveContext);
  if (overview === undefined || !isConnected) return null;
  const {
    requests_per_second: rate,
    success_rate: success,
    cost_usd_per_hour: costUsd,
    waiting_events: waiting,
  } = overview;
  return (
    <p class="ticks dim">
      <span>
        Now: <b>{rate.toFixed(1)}</b> requests/s
      </span>
      <span>
        <b>{percent(success)}</b> answered
      </span>
      <span>
        <b>{usd(costUsd)}</b> an hour
      </span>
      <span>
        <b>{count(waiting)}</b> events waiting
      </span>
    </p>
  );
}
