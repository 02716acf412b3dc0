import type { DashboardModel, ScoreCell } from '../../../../src/contracts/dashboard.ts';
import type { ModelStatus } from '../../../../src/contracts/model.ts';
import type { Complexity } from '../../../../src/contracts/query-class.ts';
import { IntervalMark } from '../../charts/interval-mark.tsx';
import { Badge, type Tone } from '../../components/badge.tsx';
import { Hint } from '../../components/hint.tsx';
import { ModelName } from '../../components/model-name.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { count, milliseconds, percent, score, usd } from '../../format/numbers.ts';

const statusTones: Record<ModelStatus, Tone> = {
  stable: 'good',
  preview: 'accent',
  snapshot: 'plain',
  deprecated: 'warn',
  disabled: 'bad',
  candidate: 'accent',
};

const scoreColumn = (complexity: Complexity): Column<DashboardModel> => ({
  id: complexity,
  head: <Hint term="Score">{complexity}</Hint>,
  cell: ({ scores }) => <ScoreMark cell={scores[complexity]} />,
});

const columns: ReadonlyArray<Column<DashboardModel>> = [
  {
    id: 'model',
    head: 'Model',
    isRowHead: true,
    cell: ({ model_id: model, provider }) => <ModelName model={model} provider={provider} />,
  },
  { id: 'status', head: 'Status', cell: ({ status }) => <StatusBadge status={status} /> },
  { id: 'health', head: 'Provider', cell: ({ health }) => <HealthBadge health={health} /> },
  scoreColumn('simple'),
  scoreColumn('medium'),
  scoreColumn('complex'),
  { id: 'calls', head: 'Calls', isNumber: true, cell: ({ traffic }) => count(traffic.calls) },
  {
    id: 'success',
    head: <Hint term="Success rate">Success</Hint>,
    isNumber: true,
    cell: ({ traffic }) => percent(traffic.success_rate),
  },
  {
    id: 'first',
    head: (
      <>
        <Hint term="First token" /> <Hint term="p50" />
      </>
    ),
    isNumber: true,
    cell: ({ traffic }) => milliseconds(traffic.first_token_ms?.p50),
  },
  {
    id: 'price',
    head: 'In, out per million tokens',
    isNumber: true,
    cell: ({ input_usd_per_million_tokens: input, output_usd_per_million_tokens: output }) =>
      `${usd(input)}, ${usd(output)}`,
  },
];

export function ModelTable({ models }: { models: readonly DashboardModel[] }) {
  return (
    <Table
      caption="Models with status, scores per complexity, traffic and prices"
      columns={columns}
      rows={models}
      rowKey={({ provider, model_id: model }) => `${provider}/${model}`}
    />
  );
}

export function ScoreMark({ cell }: { cell: ScoreCell }) {
  return (
    <span class="score-mark">
      <span>
        {score(cell.score)} {cell.is_learned ? <span class="dim small">learned</span> : null}
      </span>
      <IntervalMark value={cell.score} interval={cell.interval} />
    </span>
  );
}

export function StatusBadge({ status }: { status: ModelStatus }) {
  return <Badge tone={statusTones[status]}>{status}</Badge>;
}

export function HealthBadge({ health }: { health: DashboardModel['health'] }) {
  if (health === null) return <span class="dim">not checked</span>;
  const { status, simulated } = health;
  const tone: Tone = status === 'healthy' ? 'good' : status === 'unhealthy' ? 'bad' : 'plain';
  return (
    <>
      <Badge tone={tone}>{status}</Badge> {simulated ? <span class="dim small">simulated</span> : null}
    </>
  );
}
