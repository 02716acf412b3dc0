import { useState } from 'preact/hooks';
import type { ScoreChangeBody, Scores } from '../../../../src/contracts/scores-api.ts';
import { useRefusal } from '../../api/session.ts';
import { scoreBounds, scoreLine } from '../../charts/bounds.ts';
import { type Series, TimeChart } from '../../charts/time-chart.tsx';
import { Field } from '../../components/field.tsx';
import { Hint } from '../../components/hint.tsx';
import { Empty } from '../../components/loaded.tsx';
import { Panel } from '../../components/page.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { Time } from '../../components/time.tsx';
import { count, milliseconds, plural, range, score, signed } from '../../format/numbers.ts';
import { RestoreDialog, type RestorePoint } from './restore-dialog.tsx';

const shownChanges = 25;

/** What changed and why, the newest first. */
export function ChangePanel({ scores, onRestored }: { scores: Scores; onRestored(): void }) {
  const [restoring, setRestoring] = useState<RestorePoint>();
  const refusal = useRefusal();
  const { history, seq } = scores;
  const columns: ReadonlyArray<Column<ScoreChangeBody>> = [
    { id: 'seq', head: <Hint term="Score updates">No.</Hint>, isNumber: true, cell: (change) => change.seq },
    { id: 'time', head: 'Time', cell: ({ timestamp }) => <Time at={timestamp} /> },
    { id: 'model', head: 'Model', isRowHead: true, cell: ({ model }) => model },
    { id: 'complexity', head: <Hint term="Complexity" />, cell: ({ complexity }) => complexity },
    {
      id: 'score',
      head: <Hint term="Score" />,
      isNumber: true,
      cell: ({ old_score: before, new_score: after }) => (
        <>
          {score(before)} → <b>{score(after)}</b> <span class="dim">{signed(after - before, 2)}</span>
        </>
      ),
    },
    { id: 'interval', head: <Hint term="Interval" />, isNumber: true, cell: ({ interval }) => range(interval, score) },
    { id: 'outcomes', head: 'Outcomes', isNumber: true, cell: ({ sample_size: size }) => count(size) },
    { id: 'p95', head: <Hint term="p95" />, isNumber: true, cell: ({ p95_ms: ms }) => milliseconds(ms) },
    { id: 'why', head: 'Why', cell: ({ reason }) => reason },
    {
      id: 'restore',
      head: 'Go back',
      cell: (change) => (
        <button
          type="button"
          disabled={refusal !== undefined || change.seq === seq}
          title={refusal}
          aria-label={`Put scores back to number ${change.seq}`}
          onClick={() => setRestoring({ to: change.seq, at: change.timestamp })}
        >
          To here …
        </button>
      ),
    },
  ];
  return (
    <Panel
      title="What changed"
      note={`${plural(seq, 'update')} so far. Every instance hears of each a moment later.`}
      actions={
        <button
          type="button"
          disabled={refusal !== undefined || seq === 0}
          title={refusal}
          onClick={() => setRestoring({ to: 'catalogue' })}
        >
          Back to the catalogue …
        </button>
      }
    >
      {history.length === 0 ? (
        <Empty title="No score has changed yet">
          <p>A score changes when outcomes say something else than the catalogue, and are sure of it.</p>
        </Empty>
      ) : (
        <>
          <ScoreHistory history={history} />
          <Table
            caption="Changes of scores, the newest first"
            columns={columns}
            rows={history.slice(0, shownChanges)}
            rowKey={(change) => String(change.seq)}
          />
        </>
      )}
      {restoring === undefined ? null : (
        <RestoreDialog point={restoring} onRestored={onRestored} onClose={() => setRestoring(undefined)} />
      )}
    </Panel>
  );
}

/** The scores of one model over time, a line for each complexity. */
function ScoreHistory({ history }: { history: readonly ScoreChangeBody[] }) {
  const models = [...new Set(history.map(({ model }) => model))].sort((a, b) => a.localeCompare(b));
  const [chosen, setChosen] = useState<string>();
  const model = chosen ?? history[0]?.model ?? '';
  const mine = history.filter((change) => change.model === model).toReversed();
  const sinceMs = Date.parse(history.at(-1)?.timestamp ?? '');
  const untilMs = Date.now();
  const series = (['simple', 'medium', 'complex'] as const).flatMap((complexity): Series[] => {
    const steps = mine
      .filter((change) => change.complexity === complexity)
      .map(({ timestamp, old_score: oldScore, new_score: newScore, interval }) => ({
        atMs: Date.parse(timestamp),
        oldScore,
        score: newScore,
        interval,
      }));
    return steps.length === 0 ? [] : [{ name: complexity, points: scoreLine(steps, sinceMs, untilMs) }];
  });
  return (
    <div class="stack">
      <div class="narrow">
        <Field label="Model in the picture">
          {(attributes) => (
            <select {...attributes} value={model} onChange={(event) => setChosen(event.currentTarget.value)}>
              {models.map((name) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </select>
          )}
        </Field>
      </div>
      <TimeChart
        title={`Scores of ${model}`}
        series={series}
        format={score}
        sinceMs={sinceMs}
        untilMs={untilMs}
        isStepped
        bounds={scoreBounds(series)}
      />
    </div>
  );
}
