import type { Counted, Evaluation, RolloutTest } from '../../../../src/contracts/upgrade-api.ts';
import { Bar } from '../../components/bar.tsx';
import { Hint } from '../../components/hint.tsx';
import { Panel } from '../../components/page.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { percent, range } from '../../format/numbers.ts';
import { testNeededWords } from './words.ts';

/** The tests with their evidence against its bounds. */
export function EvidencePanel({ evaluation }: { evaluation: Evaluation }) {
  const { state, candidate, control, evidence } = evaluation;
  if (state === 'proposed' || state === 'dismissed' || state === 'withdrawn') return null;
  const isPaired = state === 'shadow';
  const counted = (test: RolloutTest, side: 'candidate' | 'control'): Counted | null =>
    isPaired ? (test.pairs?.[side] ?? null) : test[side];
  const columns: ReadonlyArray<Column<RolloutTest>> = [
    { id: 'test', head: 'Test', isRowHead: true, cell: ({ name }) => name },
    {
      id: 'harm',
      head: <Hint term="Harm">Worse?</Hint>,
      cell: ({ harm }) => <EvidenceBar {...harm} tone="bad" label="Evidence that it is worse" />,
    },
    {
      id: 'safety',
      head: <Hint term="Safety">No worse?</Hint>,
      cell: ({ safety }) =>
        isPaired ? '–' : <EvidenceBar {...safety} tone="good" label="Evidence that it is no worse" />,
    },
    {
      id: 'candidate',
      head: `Bad, ${candidate.model_id}`,
      isNumber: true,
      cell: (test) => rateCell(counted(test, 'candidate')),
    },
    {
      id: 'control',
      head: `Bad, ${control.model_id}`,
      isNumber: true,
      cell: (test) => rateCell(counted(test, 'control')),
    },
    {
      id: 'needed',
      head: <Hint term="Requests needed" />,
      isNumber: true,
      cell: (test) => testNeededWords(test, state),
    },
  ];
  return (
    <Panel
      title={<Hint term="Evidence" />}
      note="At the end of a bar its step is taken. Both are logarithms, for evidence multiplies."
    >
      <Table caption="Tests of this rollout" columns={columns} rows={evidence.tests} rowKey={({ name }) => name} />
    </Panel>
  );
}

interface EvidenceBarProps {
  log_evidence: number;
  bound: number;
  tone: 'bad' | 'good';
  label: string;
}

function EvidenceBar({ log_evidence: evidence, bound, tone, label }: EvidenceBarProps) {
  return (
    <span class="labelled-bar">
      <Bar share={evidence / bound} tone={tone} label={label} />
      <span class="dim small">
        {evidence.toFixed(1).replace('-', '−')} of {bound.toFixed(1)}
      </span>
    </span>
  );
}

function rateCell(counted: Counted | null) {
  if (counted === null || counted.rate === null) return '–';
  return (
    <>
      {percent(counted.rate)}{' '}
      <span class="dim small">
        {range(counted.interval, percent)}; {counted.bad} of {counted.of}
      </span>
    </>
  );
}
