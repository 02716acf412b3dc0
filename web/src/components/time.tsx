import { fullTime, shortTime } from '../format/times.ts';

/** A moment in the viewer's zone; the date and the zone show on pointing at it. */
export function Time({ at }: { at: string | null }) {
  if (at === null) return <>never</>;
  return (
    <time dateTime={at} title={fullTime(at)}>
      {shortTime(at)}
    </time>
  );
}
