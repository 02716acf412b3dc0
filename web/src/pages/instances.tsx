import type { Instances } from '../../../src/contracts/instances-api.ts';
import { useChanges } from '../api/live.ts';
import { useQuery } from '../api/use-query.ts';
import { Badge } from '../components/badge.tsx';
import { Hint } from '../components/hint.tsx';
import { Empty, Loaded } from '../components/loaded.tsx';
import { Page, Panel } from '../components/page.tsx';
import { type Column, Table } from '../components/table.tsx';
import { Time } from '../components/time.tsx';
import { seconds } from '../format/numbers.ts';
import { linkTo } from '../route.ts';

const everyMs = 5000;
/** As central counts silence. */
const silentMs = 60_000;

type Instance = Instances['instances'][number];

const columnsFor = (nowMs: number): ReadonlyArray<Column<Instance>> => [
  {
    id: 'instance',
    head: 'Instance',
    isRowHead: true,
    cell: ({ instance_id: id }) => <a href={linkTo(['decisions'], { instance_id: id })}>{id}</a>,
  },
  { id: 'service', head: 'Service', cell: ({ service }) => service },
  {
    id: 'state',
    head: 'State',
    cell: ({ last_seen_at: seenAt }) =>
      nowMs - Date.parse(seenAt) > silentMs ? <Badge tone="bad">silent</Badge> : <Badge tone="good">live</Badge>,
  },
  { id: 'version', head: 'Version', cell: ({ version }) => version },
  {
    id: 'scores',
    head: <Hint term="Score updates">Scores</Hint>,
    cell: ({ up_to_date: isCurrent, applied_seq: seq }) =>
      isCurrent ? <Badge tone="good">up to date</Badge> : <Badge tone="warn">at {seq}</Badge>,
  },
  {
    id: 'up',
    head: 'Up for',
    isNumber: true,
    cell: ({ started_at: at }) => seconds((nowMs - Date.parse(at)) / 1000),
  },
  { id: 'seen', head: 'Last seen', cell: ({ last_seen_at: at }) => <Time at={at} /> },
];

/** The processes that take part. */
export function InstancesPage() {
  const query = useQuery<Instances>('/instances', everyMs);
  const { refresh } = query;
  useChanges(['instances'], refresh);
  return (
    <Page title="Instances" lead="Routers that take part, and whether each has the newest scores. They learn together.">
      <Panel title="Routers">
        <Loaded query={query} what="instances">
          {({ instances }) =>
            instances.length === 0 ? (
              <Empty title="No instance has been heard of yet" />
            ) : (
              <Table
                caption="Instances"
                columns={columnsFor(Date.now())}
                rows={instances}
                rowKey={({ instance_id: id }) => id}
              />
            )
          }
        </Loaded>
      </Panel>
    </Page>
  );
}
