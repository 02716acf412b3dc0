import type { RaceStatistics } from '../../../../src/contracts/race-record.ts';
import { Stats } from '../../components/facts.tsx';
import { Hint } from '../../components/hint.tsx';
import { ModelName } from '../../components/model-name.tsx';
import { Panel } from '../../components/page.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { count, milliseconds, percent, range, usd } from '../../format/numbers.ts';

type ModelRow = RaceStatistics['models'][number];
type PairRow = RaceStatistics['pairs'][number];

const modelColumns: ReadonlyArray<Column<ModelRow>> = [
  {
    id: 'model',
    head: 'Model',
    isRowHead: true,
    cell: ({ model, provider }) => <ModelName model={model} provider={provider} />,
  },
  { id: 'races', head: 'Races', isNumber: true, cell: ({ races }) => count(races) },
  { id: 'wins', head: 'Wins', isNumber: true, cell: ({ wins }) => count(wins) },
  { id: 'first', head: 'Finished first', isNumber: true, cell: ({ finished_first: first }) => count(first) },
  {
    id: 'bad',
    head: 'Errors, invalid',
    isNumber: true,
    cell: ({ errors, invalid }) => `${count(errors)}, ${count(invalid)}`,
  },
  { id: 'p50', head: <Hint term="p50" />, isNumber: true, cell: ({ latency_ms: ms }) => milliseconds(ms.p50) },
  { id: 'cost', head: 'Cost', isNumber: true, cell: ({ cost_usd: costUsd }) => usd(costUsd) },
];

const pairColumns: ReadonlyArray<Column<PairRow>> = [
  { id: 'pair', head: 'Models', isRowHead: true, cell: ({ a, b }) => `${a.model} against ${b.model}` },
  { id: 'kind', head: 'Decided by', cell: ({ kind }) => kind },
  { id: 'races', head: 'Races', isNumber: true, cell: ({ races }) => count(races) },
  {
    id: 'wins',
    head: 'Wins, ties',
    isNumber: true,
    cell: ({ wins_a: a, wins_b: b, ties }) => `${count(a)} to ${count(b)}, ${count(ties)}`,
  },
  { id: 'rate', head: <Hint term="Win rate" />, isNumber: true, cell: ({ win_rate: rate }) => percent(rate) },
  { id: 'interval', head: 'With 95%', isNumber: true, cell: ({ interval }) => range(interval, percent) },
];

/** Who wins, by how much, and what it costs. */
export function RaceStatisticsView({ statistics }: { statistics: RaceStatistics }) {
  const { total_races: total, by_outcome: outcomes, savings, models, pairs } = statistics;
  if (total === 0) return null;
  return (
    <>
      <Stats
        facts={[
          {
            label: 'Races',
            value: count(total),
            note: Object.entries(statistics.by_strategy)
              .map(([strategy, races]) => `${count(races)} ${strategy}`)
              .join(', '),
          },
          {
            label: 'Decided',
            value: count(outcomes.decided),
            note: `${count(outcomes.no_consensus)} without consensus, ${count(outcomes.no_answer)} without answer`,
          },
          {
            id: 'agreement',
            label: <Hint term="Agreement">Mean agreement</Hint>,
            value: percent(statistics.mean_agreement),
          },
          { label: 'Cost', value: usd(statistics.total_cost_usd), note: 'of all lanes' },
          {
            label: 'Spared',
            value: usd(savings.estimated_saved_usd),
            note: `${count(savings.lanes_stopped)} lanes stopped, ${count(savings.lanes_never_started)} never needed`,
          },
        ]}
      />
      <Panel title="By model">
        <Table
          caption="Models in races"
          columns={modelColumns}
          rows={models}
          rowKey={({ provider, model }) => `${provider}/${model}`}
        />
      </Panel>
      <Panel title="In pairs" note="“speed” counts who was first, “quality” what was judged.">
        <Table
          caption="Models that met in races"
          columns={pairColumns}
          rows={pairs}
          rowKey={({ kind, a, b }) => `${kind} ${a.provider}/${a.model} ${b.provider}/${b.model}`}
        />
      </Panel>
    </>
  );
}
