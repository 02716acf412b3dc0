import type { Learning } from '../../../../src/contracts/dashboard.ts';
import { Bar } from '../../components/bar.tsx';
import { Hint } from '../../components/hint.tsx';
import { Empty } from '../../components/loaded.tsx';
import { Panel } from '../../components/page.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { Time } from '../../components/time.tsx';
import { count, percent } from '../../format/numbers.ts';

type Cell = Learning['cells'][number];

const columns: ReadonlyArray<Column<Cell>> = [
  { id: 'model', head: 'Model', isRowHead: true, cell: ({ model }) => model },
  { id: 'complexity', head: <Hint term="Complexity" />, cell: ({ complexity }) => complexity },
  { id: 'success', head: 'Success, believed', isNumber: true, cell: ({ success_rate: rate }) => percent(rate) },
  {
    id: 'outcomes',
    head: <Hint term="Effective outcomes" />,
    isNumber: true,
    cell: ({ n_eff: size }) => count(Math.round(size)),
  },
  { id: 'prior', head: <Hint term="Prior share" />, isNumber: true, cell: ({ prior_share: share }) => percent(share) },
  {
    id: 'worse',
    head: <Hint term="Drift alarm">Alarm: worse</Hint>,
    cell: ({ alarm }) => (
      <AlarmBar value={alarm.worse} threshold={alarm.worse_at} label="Evidence that it became worse" />
    ),
  },
  {
    id: 'better',
    head: <Hint term="Drift alarm">Alarm: better</Hint>,
    cell: ({ alarm }) => (
      <AlarmBar value={alarm.better} threshold={alarm.better_at} label="Evidence that it became better" />
    ),
  },
  { id: 'at', head: 'Newest outcome', cell: ({ updated_at: at }) => <Time at={at} /> },
];

/** From this share of the threshold on it is worth a look. */
const closeShare = 0.7;

function AlarmBar({ value, threshold, label }: { value: number; threshold: number; label: string }) {
  const share = threshold === 0 ? 0 : value / threshold;
  return (
    <span class="labelled-bar">
      <Bar share={share} label={label} tone={share >= closeShare ? 'warn' : 'accent'} />
      <span class="dim small">
        {value.toFixed(1)} of {threshold.toFixed(1)}
      </span>
    </span>
  );
}

/** What is believed of each model at each complexity, and how close it is to an alarm. */
export function BeliefPanel({ cells }: { cells: readonly Cell[] }) {
  return (
    <Panel
      title="What is believed now"
      note="Scores follow when it is sure. A full bar is an alarm: the belief is begun anew."
    >
      {cells.length === 0 ? (
        <Empty title="No outcome was learned from yet" />
      ) : (
        <Table
          caption="Beliefs of each model and complexity, with drift alarms"
          columns={columns}
          rows={cells}
          rowKey={({ model, complexity }) => `${model} ${complexity}`}
        />
      )}
    </Panel>
  );
}
