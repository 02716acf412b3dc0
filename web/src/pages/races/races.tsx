import type { RaceRecord, Races, RaceStatistics } from '../../../../src/contracts/race-record.ts';
import { withQuery } from '../../api/client.ts';
import { useQuery } from '../../api/use-query.ts';
import { Badge } from '../../components/badge.tsx';
import { Hint } from '../../components/hint.tsx';
import { Empty, Loaded } from '../../components/loaded.tsx';
import { Page, Panel } from '../../components/page.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { Time } from '../../components/time.tsx';
import { hoursOf, useWindow, WindowChoice, windows } from '../../components/window-choice.tsx';
import { milliseconds, percent, usd } from '../../format/numbers.ts';
import { spaced } from '../../format/words.ts';
import { linkTo, useRoute } from '../../route.ts';
import { RaceStatisticsView } from './statistics.tsx';

const everyMs = 5000;
const statisticsEveryMs = 20_000;
const pageSize = 20;

const columns: ReadonlyArray<Column<RaceRecord>> = [
  {
    id: 'time',
    head: 'Time',
    isRowHead: true,
    cell: ({ race_id: id, created_at: at }) => (
      <a href={linkTo(['races', id])}>
        <Time at={at} />
      </a>
    ),
  },
  { id: 'strategy', head: 'Strategy', cell: ({ strategy }) => strategy },
  { id: 'outcome', head: 'Outcome', cell: ({ outcome }) => <RaceOutcomeBadge outcome={outcome} /> },
  {
    id: 'winner',
    head: 'Winner',
    cell: ({ lanes }) => lanes.find(({ selected }) => selected)?.model ?? '–',
  },
  {
    id: 'lanes',
    head: <Hint term="Lane">Lanes</Hint>,
    cell: ({ lanes }) => lanes.map(({ model }) => model).join(', '),
  },
  { id: 'agreement', head: <Hint term="Agreement" />, isNumber: true, cell: ({ agreement }) => percent(agreement) },
  { id: 'time-taken', head: 'Took', isNumber: true, cell: ({ race_ms: ms }) => milliseconds(ms) },
  { id: 'cost', head: 'Cost', isNumber: true, cell: ({ cost_usd: costUsd }) => usd(costUsd) },
];

export function RaceOutcomeBadge({ outcome }: { outcome: RaceRecord['outcome'] }) {
  if (outcome === null) return <Badge tone="accent">under way</Badge>;
  return <Badge tone={outcome === 'decided' ? 'good' : 'warn'}>{spaced(outcome)}</Badge>;
}

export function RacesPage() {
  const { query } = useRoute();
  const { before } = query;
  const [window, setWindow] = useWindow(windows, '24h');
  const races = useQuery<Races>(
    withQuery('/races', { limit: pageSize, before }),
    before === undefined ? everyMs : undefined,
  );
  const statistics = useQuery<RaceStatistics>(`/races/stats?hours=${hoursOf(window)}`, statisticsEveryMs);
  return (
    <Page
      title="Races"
      lead={
        <>
          Several models asked the same at once. Open a <Hint term="Race">race</Hint> to see what became of each.
        </>
      }
      actions={<WindowChoice of={windows} value={window} onChange={setWindow} />}
    >
      <Loaded query={statistics} what="statistics of races">
        {(data) => <RaceStatisticsView statistics={data} />}
      </Loaded>
      <Panel title="Newest races">
        <Loaded query={races} what="races">
          {({ races: records, next }) =>
            records.length === 0 ? (
              <Empty title="No race was run yet">
                <p>
                  Ask for <code>race:first</code> as the model, or{' '}
                  <a href={linkTo(['playground'], { mode: 'race' })}>run one in the playground</a>.
                </p>
              </Empty>
            ) : (
              <>
                <Table
                  caption="Races, the newest first"
                  columns={columns}
                  rows={records}
                  rowKey={({ race_id: id }) => id}
                />
                <nav class="row more" aria-label="Pages of races">
                  {before === undefined ? null : <a href={linkTo(['races'], { window })}>« Newest</a>}
                  {next === null ? null : <a href={linkTo(['races'], { window, before: next })}>Older »</a>}
                </nav>
              </>
            )
          }
        </Loaded>
      </Panel>
    </Page>
  );
}
