import type { DecisionRecord } from '../../../../src/contracts/decision-record.ts';
import { Badge } from '../../components/badge.tsx';
import { Hint } from '../../components/hint.tsx';
import { ModelName } from '../../components/model-name.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { Time } from '../../components/time.tsx';
import { percent, usd } from '../../format/numbers.ts';
import { outcomeWords } from '../../format/words.ts';
import { linkTo } from '../../route.ts';
import { timeColumns } from './columns.tsx';

const columns: ReadonlyArray<Column<DecisionRecord>> = [
  {
    id: 'time',
    head: 'Time',
    isRowHead: true,
    cell: ({ timestamp, decision_id: id }) => (
      <a href={linkTo(['decisions', id])}>
        <Time at={timestamp} />
      </a>
    ),
  },
  { id: 'model', head: 'Model', cell: ({ model, provider }) => <ModelName model={model} provider={provider} /> },
  { id: 'outcome', head: <Hint term="Outcome" />, cell: ({ outcome }) => <OutcomeBadge outcome={outcome} /> },
  { id: 'complexity', head: <Hint term="Complexity" />, cell: ({ complexity }) => complexity },
  { id: 'type', head: <Hint term="Query type">Type</Hint>, cell: ({ query_type: type }) => type ?? '–' },
  { id: 'origin', head: <Hint term="Origin" />, cell: ({ origin }) => origin },
  ...timeColumns,
  { id: 'cost', head: 'Cost', isNumber: true, cell: ({ cost_usd: costUsd }) => usd(costUsd) },
  {
    id: 'feedback',
    head: 'Feedback',
    isNumber: true,
    cell: ({ feedback_score: score }) => (score === null ? '' : percent(score)),
  },
];

export function OutcomeBadge({ outcome }: { outcome: DecisionRecord['outcome'] }) {
  const [word, tone] = outcomeWords[outcome];
  return <Badge tone={tone}>{word}</Badge>;
}

export function DecisionTable({ records }: { records: readonly DecisionRecord[] }) {
  return (
    <Table
      caption="Attempts, the newest first"
      columns={columns}
      rows={records}
      rowKey={({ decision_id: id, attempt }) => `${id} ${attempt}`}
    />
  );
}
