import type { Overview } from '../../../../src/contracts/dashboard.ts';
import { Bar } from '../../components/bar.tsx';
import { Hint } from '../../components/hint.tsx';
import { ModelName } from '../../components/model-name.tsx';
import { Panel } from '../../components/page.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { Empty } from '../../components/loaded.tsx';
import { count, percent, usd } from '../../format/numbers.ts';

type ModelShare = Overview['models'][number];

const columns: ReadonlyArray<Column<ModelShare>> = [
  {
    id: 'model',
    head: 'Model',
    isRowHead: true,
    cell: ({ model, provider }) => <ModelName model={model} provider={provider} />,
  },
  { id: 'bar', head: 'Share of calls', cell: ({ share }) => <Bar share={share} label="Share of calls" /> },
  { id: 'share', head: 'Percent', isNumber: true, cell: ({ share }) => percent(share) },
  { id: 'calls', head: 'Calls', isNumber: true, cell: ({ calls }) => count(calls) },
  {
    id: 'success',
    head: <Hint term="Success rate">Success</Hint>,
    isNumber: true,
    cell: ({ success_rate: rate }) => percent(rate),
  },
  { id: 'spend', head: 'Spend', isNumber: true, cell: ({ cost_usd: costUsd }) => usd(costUsd) },
  {
    id: 'each',
    head: 'An answer',
    isNumber: true,
    cell: ({ cost_per_answer_usd: costUsd }) => usd(costUsd),
  },
];

/** Who answered. */
export function ModelShares({ models }: { models: readonly ModelShare[] }) {
  return (
    <Panel title="Who answered">
      {models.length === 0 ? (
        <Empty title="No calls in this window" />
      ) : (
        <Table
          caption="Models by their share of the calls"
          columns={columns}
          rows={models}
          rowKey={({ provider, model }) => `${provider}/${model}`}
        />
      )}
    </Panel>
  );
}
