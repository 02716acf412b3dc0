import { useEffect, useRef, useState } from 'preact/hooks';
import type { RaceCandidate, RaceResponse } from '../../../../src/contracts/race-api.ts';
import type { RaceStrategy } from '../../../../src/contracts/race.ts';
import { Hint } from '../../components/hint.tsx';
import { Failure } from '../../components/loaded.tsx';
import { ModelName } from '../../components/model-name.tsx';
import { Panel } from '../../components/page.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { milliseconds, percent, usd } from '../../format/numbers.ts';
import { linkTo } from '../../route.ts';
import { LaneBadge } from '../races/lane-table.tsx';
import { race } from './ask.ts';

const shownOutput = 400;

const columns: ReadonlyArray<Column<RaceCandidate>> = [
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
  { id: 'status', head: 'Status', cell: ({ status }) => <LaneBadge status={status} /> },
  { id: 'time', head: 'Time', isNumber: true, cell: ({ latency_ms: ms }) => milliseconds(ms) },
  { id: 'cost', head: 'Cost', isNumber: true, cell: ({ cost_usd: costUsd }) => usd(costUsd) },
  { id: 'confidence', head: <Hint term="Confidence" />, isNumber: true, cell: ({ confidence }) => percent(confidence) },
  { id: 'says', head: 'Answer', cell: ({ output, reason }) => output?.slice(0, shownOutput) ?? reason ?? '' },
];

interface RaceRunProps {
  prompt: string;
  strategy: RaceStrategy;
  tradeOff: number | null;
}

/** A race as it runs. */
export function RaceRun({ prompt, strategy, tradeOff }: RaceRunProps) {
  const [lanes, setLanes] = useState<readonly RaceCandidate[]>([]);
  const [text, setText] = useState('');
  const [result, setResult] = useState<RaceResponse>();
  const [failure, setFailure] = useState<string>();
  const abort = useRef(new AbortController());

  useEffect(() => {
    const { signal } = abort.current;
    race(
      { prompt, tradeOff, strategy, signal },
      {
        lanes: setLanes,
        lane: (changed) => setLanes((before) => before.map((lane) => (lane.lane === changed.lane ? changed : lane))),
        text: (piece) => setText((before) => before + piece),
        result: (end) => {
          setLanes(end.candidates);
          setResult(end);
          if (end.error !== undefined) setFailure(end.error.message);
        },
      },
    ).catch((error: unknown) => {
      if (!signal.aborted) setFailure(error instanceof Error ? error.message : 'unknown error');
    });
    return () => abort.current.abort();
  }, [prompt, strategy, tradeOff]);

  const answer = result?.selected?.output ?? text;
  return (
    <Panel
      title="Race"
      note={
        result === undefined
          ? 'under way …'
          : `${result.reason}; ${milliseconds(result.duration_ms)}, ${usd(result.cost_usd)}`
      }
      actions={
        result === undefined && failure === undefined ? (
          <button type="button" onClick={() => abort.current.abort()}>
            Stop
          </button>
        ) : result === undefined ? undefined : (
          <a href={linkTo(['races', result.race_id])}>Open this race</a>
        )
      }
    >
      <div class="stack">
        {failure === undefined ? null : <Failure message={`No answer: ${failure}.`} />}
        {lanes.length === 0 ? null : (
          <Table caption="Lanes of the race" columns={columns} rows={lanes} rowKey={({ lane }) => String(lane)} />
        )}
        {answer === '' ? null : (
          <div class="answer" role="log" aria-live="polite" aria-label="Answer">
            {answer}
          </div>
        )}
      </div>
    </Panel>
  );
}
