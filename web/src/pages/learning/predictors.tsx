import type { PredictorSummary } from '../../../../src/contracts/dashboard.ts';
import { Badge } from '../../components/badge.tsx';
import { Hint } from '../../components/hint.tsx';
import { Empty } from '../../components/loaded.tsx';
import { Panel } from '../../components/page.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { Time } from '../../components/time.tsx';
import { count, percent, range } from '../../format/numbers.ts';

const columns: ReadonlyArray<Column<PredictorSummary>> = [
  { id: 'version', head: 'Version', isRowHead: true, cell: ({ version }) => version },
  {
    id: 'state',
    head: 'State',
    cell: ({ is_serving: isServing, retired_reason: reason }) =>
      isServing ? <Badge tone="good">in use</Badge> : <span class="dim">{reason ?? 'replaced'}</span>,
  },
  { id: 'made', head: 'Made', cell: ({ created_at: at }) => <Time at={at} /> },
  { id: 'examples', head: 'Trained on', isNumber: true, cell: ({ examples }) => `${count(examples)} outcomes` },
  { id: 'used', head: 'Bad answers with it', isNumber: true, cell: ({ used }) => armCell(used) },
  {
    id: 'held',
    head: <Hint term="Held out">Without it</Hint>,
    isNumber: true,
    cell: ({ held_out: heldOut }) => armCell(heldOut),
  },
];

function armCell({ requests, bad_rate: rate, interval }: PredictorSummary['used']) {
  return (
    <>
      {percent(rate)}{' '}
      <span class="dim small">
        {interval === null ? '' : `(${range(interval, percent)})`} of {count(requests)}
      </span>
    </>
  );
}

/** Predictors as they were trained, each compared with choices made without it. */
export function PredictorPanel({ predictors }: { predictors: readonly PredictorSummary[] }) {
  return (
    <Panel
      title={<Hint term="Predictor">Predictors</Hint>}
      note="One that does worse than choices without it is retired by itself."
    >
      {predictors.length === 0 ? (
        <Empty title="None was trained here yet">
          <p>Until there are enough outcomes, the one that came with Signalbox is used.</p>
        </Empty>
      ) : (
        <Table
          caption="Predictors, the newest first"
          columns={columns}
          rows={predictors}
          rowKey={({ version }) => String(version)}
        />
      )}
    </Panel>
  );
}
