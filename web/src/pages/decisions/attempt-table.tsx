import type { DecisionRecord } from '../../../../src/contracts/decision-record.ts';
import { Hint } from '../../components/hint.tsx';
import { ModelName } from '../../components/model-name.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { count, usd } from '../../format/numbers.ts';
import { timeColumns } from './columns.tsx';
import { OutcomeBadge } from './decision-table.tsx';

const columns: ReadonlyArray<Column<DecisionRecord>> = [
  {
    id: 'attempt',
    head: <Hint term="Attempt" />,
    isRowHead: true,
    cell: ({ attempt, model, provider }) => (
      <>
        {attempt + 1}. <ModelName model={model} provider={provider} />
      </>
    ),
  },
  {
    id: 'outcome',
    head: <Hint term="Outcome" />,
    cell: ({ outcome, error_code: code, http_status: status }) => (
      <>
        <OutcomeBadge outcome={outcome} />{' '}
        {outcome === 'success' ? null : (
          <span class="dim">{[code, status === null ? null : `HTTP ${status}`].filter(Boolean).join(', ')}</span>
        )}
      </>
    ),
  },
  ...timeColumns,
  {
    id: 'tokens',
    head: 'Tokens in, out',
    isNumber: true,
    cell: ({ input_tokens: input, output_tokens: output }) => `${count(input)}, ${count(output)}`,
  },
  { id: 'cost', head: 'Cost', isNumber: true, cell: ({ cost_usd: costUsd }) => usd(costUsd) },
];

export function AttemptTable({ attempts }: { attempts: readonly DecisionRecord[] }) {
  return (
    <Table
      caption="Attempts of this decision, in order"
      columns={columns}
      rows={attempts}
      rowKey={({ attempt }) => String(attempt)}
    />
  );
}
