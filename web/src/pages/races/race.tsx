import type { RaceRecord } from '../../../../src/contracts/race-record.ts';
import { useQuery } from '../../api/use-query.ts';
import { Stats } from '../../components/facts.tsx';
import { Hint } from '../../components/hint.tsx';
import { Loaded } from '../../components/loaded.tsx';
import { Page, Panel } from '../../components/page.tsx';
import { milliseconds, percent, usd } from '../../format/numbers.ts';
import { fullTime } from '../../format/times.ts';
import { linkTo } from '../../route.ts';
import { LaneTable } from './lane-table.tsx';
import { RaceOutcomeBadge } from './races.tsx';

const everyMs = 3000;

/** One race, lane by lane. */
export function RacePage({ id }: { id: string }) {
  const query = useQuery<RaceRecord>(`/races/${encodeURIComponent(id)}`, everyMs);
  return (
    <Page title="Race" lead={<code>{id}</code>} up={{ label: 'Races', href: linkTo(['races']) }}>
      <Loaded query={query} what="this race">
        {(race) => (
          <>
            <Stats
              facts={[
                { label: 'Strategy', value: race.strategy, note: `${race.complexity}, ${race.task_type ?? 'unknown'}` },
                {
                  label: 'Outcome',
                  value: <RaceOutcomeBadge outcome={race.outcome} />,
                  note: race.reason ?? undefined,
                },
                { label: 'Took', value: milliseconds(race.race_ms), note: fullTime(race.created_at) },
                { label: 'Cost', value: usd(race.cost_usd), note: 'of all lanes' },
                {
                  id: 'agreement',
                  label: <Hint term="Agreement" />,
                  value: percent(race.agreement),
                  note: race.margin === null ? 'only a consensus has one' : `margin ${race.margin.toFixed(2)}`,
                },
              ]}
            />
            <Panel title={<Hint term="Lane">Lanes</Hint>}>
              <LaneTable lanes={race.lanes} />
            </Panel>
          </>
        )}
      </Loaded>
    </Page>
  );
}
