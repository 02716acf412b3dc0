import { useEffect } from 'preact/hooks';
import type { z } from 'zod';
import type { rolloutLogEntrySchema, rolloutLogSchema } from '../../../../src/contracts/upgrade-api.ts';
import { useQuery } from '../../api/use-query.ts';
import { Loaded } from '../../components/loaded.tsx';
import { Panel } from '../../components/page.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { Time } from '../../components/time.tsx';
import { spaced } from '../../format/words.ts';

type Entry = z.infer<typeof rolloutLogEntrySchema>;

const columns: ReadonlyArray<Column<Entry>> = [
  { id: 'at', head: 'Time', isRowHead: true, cell: ({ at }) => <Time at={at} /> },
  { id: 'event', head: 'Step', cell: ({ event }) => event },
  {
    id: 'to',
    head: 'To',
    cell: ({ to_state: state, to_stage: stage }) => (state === 'canary' ? `canary ${stage + 1}` : spaced(state)),
  },
  { id: 'actor', head: 'By', cell: ({ actor }) => actor },
  { id: 'reason', head: 'Why', cell: ({ reason }) => reason },
];

/** Every step, by whom and why. `steps` grows with each step taken here. */
export function RolloutLog({ id, steps }: { id: string; steps: number }) {
  const query = useQuery<z.infer<typeof rolloutLogSchema>>(`/services/upgrade/rollouts/${encodeURIComponent(id)}/log`);
  const { refresh } = query;
  useEffect(() => {
    if (steps > 0) refresh();
  }, [steps, refresh]);
  return (
    <Panel title="Log">
      <Loaded query={query} what="the log">
        {({ log }) => (
          <Table caption="Steps of this rollout" columns={columns} rows={log.toReversed()} rowKey={({ seq }) => seq} />
        )}
      </Loaded>
    </Panel>
  );
}
