import type { RaceRecord } from '../../../../src/contracts/race-record.ts';
import { Badge, type Tone } from '../../components/badge.tsx';
import { Bar } from '../../components/bar.tsx';
import { Hint } from '../../components/hint.tsx';
import { ModelName } from '../../components/model-name.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { count, milliseconds, percent, usd } from '../../format/numbers.ts';
import { linkTo } from '../../route.ts';

type Lane = RaceRecord['lanes'][number];

const tones: Record<Lane['status'] | 'waiting', Tone> = {
  won: 'good',
  lost: 'plain',
  cancelled: 'plain',
  error: 'bad',
  invalid: 'warn',
  running: 'accent',
  waiting: 'plain',
  unknown: 'warn',
};

export function LaneBadge({ status }: { status: keyof typeof tones }) {
  return <Badge tone={tones[status]}>{status}</Badge>;
}

/** Each lane with its time as a bar beside the others’. */
export function LaneTable({ lanes }: { lanes: readonly Lane[] }) {
  const longestMs = Math.max(1, ...lanes.map(({ latency_ms: ms }) => ms ?? 0));
  const columns: ReadonlyArray<Column<Lane>> = [
    {
      id: 'lane',
      head: <Hint term="Lane" />,
      isRowHead: true,
      cell: ({ lane, model, provider }) => (
        <>
          {lane + 1}. <ModelName model={model} provider={provider} />
        </>
      ),
    },
    {
      id: 'status',
      head: 'Status',
      cell: ({ status, finished_first: isFirst }) => (
        <>
          <LaneBadge status={status} /> {isFirst ? <span class="dim small">first</span> : null}
        </>
      ),
    },
    {
      id: 'bar',
      head: 'Time',
      cell: ({ latency_ms: ms, status }) => (
        <span class="labelled-bar">
          <Bar
            share={(ms ?? 0) / longestMs}
            label="Of the longest lane’s time"
            tone={status === 'won' ? 'good' : 'accent'}
          />
          <span class="small">{milliseconds(ms)}</span>
        </span>
      ),
    },
    {
      id: 'confidence',
      head: <Hint term="Confidence" />,
      isNumber: true,
      cell: ({ confidence }) => percent(confidence),
    },
    { id: 'label', head: 'Judged', isNumber: true, cell: ({ label }) => percent(label) },
    {
      id: 'tokens',
      head: 'Tokens in, out',
      isNumber: true,
      cell: ({ input_tokens: input, output_tokens: output }) => `${count(input)}, ${count(output)}`,
    },
    { id: 'cost', head: 'Cost', isNumber: true, cell: ({ cost_usd: costUsd }) => usd(costUsd) },
    { id: 'why', head: 'Why', cell: ({ reason, error_message: error }) => error ?? reason ?? '' },
    {
      id: 'decision',
      head: 'Decision',
      cell: ({ decision_id: id }) => <a href={linkTo(['decisions', id])}>Open</a>,
    },
  ];
  return <Table caption="Lanes of this race" columns={columns} rows={lanes} rowKey={({ lane }) => String(lane)} />;
}
