import { useCallback } from 'preact/hooks';
import type { DashboardModel, DashboardModels, ModelHistory } from '../../../../src/contracts/dashboard.ts';
import type { Complexity } from '../../../../src/contracts/query-class.ts';
import { useChanges } from '../../api/live.ts';
import { useQuery } from '../../api/use-query.ts';
import { Stats } from '../../components/facts.tsx';
import { Hint } from '../../components/hint.tsx';
import { Empty, Loaded } from '../../components/loaded.tsx';
import { Page, Panel } from '../../components/page.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { longWindows, useWindow, WindowChoice } from '../../components/window-choice.tsx';
import { Time } from '../../components/time.tsx';
import { count, milliseconds, percent, range, score, usd } from '../../format/numbers.ts';
import { spaced } from '../../format/words.ts';
import { linkTo } from '../../route.ts';
import { HistoryCharts } from './history-charts.tsx';
import { HealthBadge, ScoreMark, StatusBadge } from './model-table.tsx';

const everyMs = 15_000;

/** One model: what is believed of it, how that came about, and how it answers. */
export function ModelPage({ provider, model }: { provider: string; model: string }) {
  const [window, setWindow] = useWindow(longWindows, '24h');
  const models = useQuery<DashboardModels>(`/dashboard/models?window=${window}`, everyMs);
  const history = useQuery<ModelHistory>(
    `/dashboard/models/${encodeURIComponent(provider)}/${encodeURIComponent(model)}/history?window=${window}`,
    everyMs,
  );
  const refresh = useCallback(() => {
    models.refresh();
    history.refresh();
  }, [models.refresh, history.refresh]);
  useChanges(['scores', 'incidents'], refresh);

  return (
    <Page
      title={model}
      lead={`offered by ${provider}`}
      up={{ label: 'Models', href: linkTo(['models']) }}
      actions={<WindowChoice of={longWindows} value={window} onChange={setWindow} />}
    >
      <Loaded query={models} what="this model">
        {({ models: all }) => {
          const found = all.find((one) => one.provider === provider && one.model_id === model);
          return found === undefined ? <Empty title="This model is not in the catalogue" /> : <Opened model={found} />;
        }}
      </Loaded>
      <Loaded query={history} what="its history">
        {(data) => (
          <>
            <HistoryCharts history={data} />
            <IncidentList incidents={data.incidents} />
          </>
        )}
      </Loaded>
    </Page>
  );
}

function Opened({ model }: { model: DashboardModel }) {
  const { traffic, health, capabilities, context_window: context } = model;
  return (
    <>
      <Stats
        facts={[
          {
            label: 'Status',
            value: <StatusBadge status={model.status} />,
            note: model.is_refiner ? 'also refines prompts' : undefined,
          },
          { label: 'Provider', value: <HealthBadge health={health} />, note: health?.error ?? undefined },
          { label: 'Calls', value: count(traffic.calls), note: `${percent(traffic.share)} of all` },
          {
            id: 'success',
            label: <Hint term="Success rate" />,
            value: percent(traffic.success_rate),
            note: traffic.feedback_mean === null ? 'no feedback' : `feedback ${percent(traffic.feedback_mean)} good`,
          },
          {
            id: 'first',
            label: <Hint term="First token" />,
            value: milliseconds(traffic.first_token_ms?.p50),
            note: `p95 ${milliseconds(traffic.first_token_ms?.p95)}`,
          },
          {
            label: 'Spend',
            value: usd(traffic.cost_usd),
            note: `${usd(model.input_usd_per_million_tokens)} in, ${usd(model.output_usd_per_million_tokens)} out a million tokens`,
          },
        ]}
      />
      <Panel
        title="What is believed of it"
        note={`${context === null ? '' : `It reads ${count(context)} tokens at once. `}It can do: ${capabilities.map(spaced).join(', ')}.`}
      >
        <Table
          caption="Scores for each complexity"
          columns={cellColumns}
          rows={cellsOf(model)}
          rowKey={({ id }) => id}
        />
      </Panel>
    </>
  );
}

type Cell = DashboardModel['scores'][Complexity] & { id: Complexity };

function cellsOf({ scores }: DashboardModel): Cell[] {
  return (['simple', 'medium', 'complex'] as const).map((id) => ({ id, ...scores[id] }));
}

const cellColumns: ReadonlyArray<Column<Cell>> = [
  { id: 'complexity', head: <Hint term="Complexity" />, isRowHead: true, cell: ({ id }) => id },
  { id: 'score', head: <Hint term="Score" />, cell: (cell) => <ScoreMark cell={cell} /> },
  {
    id: 'interval',
    head: <Hint term="Interval" />,
    isNumber: true,
    cell: ({ interval }) => range(interval, score),
  },
  { id: 'catalogue', head: 'Catalogue', isNumber: true, cell: ({ catalogue_score: value }) => score(value) },
  {
    id: 'success',
    head: 'Success, believed',
    isNumber: true,
    cell: ({ success_rate: rate }) => percent(rate),
  },
  {
    id: 'outcomes',
    head: <Hint term="Effective outcomes" />,
    isNumber: true,
    cell: ({ n_eff: value }) => count(value),
  },
  { id: 'reason', head: 'Newest change', cell: ({ reason }) => reason ?? 'as in the catalogue' },
  { id: 'at', head: 'When', cell: ({ updated_at: at }) => (at === null ? '–' : <Time at={at} />) },
];

function IncidentList({ incidents }: { incidents: ModelHistory['incidents'] }) {
  if (incidents.length === 0) return null;
  return (
    <Panel title={<Hint term="Incident">Incidents</Hint>}>
      <ul class="stack">
        {incidents.map(
          ({ incident_id: id, complexity, opened_at: opened, closed_at: closed, closed_reason: reason }) => (
            <li key={id}>
              {complexity} requests, opened <Time at={opened} />
              {closed === null ? ', still open' : `, closed: ${reason ?? ''}`}
            </li>
          ),
        )}
      </ul>
    </Panel>
  );
}
