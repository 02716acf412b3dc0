import type { Installation, Overview } from '../../../../src/contracts/dashboard.ts';
import { useChanges } from '../../api/live.ts';
import { useQuery } from '../../api/use-query.ts';
import { Loaded } from '../../components/loaded.tsx';
import { Page } from '../../components/page.tsx';
import { useWindow, WindowChoice, windows } from '../../components/window-choice.tsx';
import { FirstRun } from './first-run.tsx';
import { Incidents } from './incidents.tsx';
import { LiveTicks } from './live-ticks.tsx';
import { ModelShares } from './model-shares.tsx';
import { SavingsPanel } from './savings-panel.tsx';
import { Staleness } from './staleness.tsx';
import { Totals } from './totals.tsx';
import { TrafficCharts } from './traffic-charts.tsx';

const everyMs = 10_000;

/** The fleet in ten seconds; before the first request, how to make one. */
export function OverviewPage() {
  const installation = useQuery<Installation>('/dashboard/installation', everyMs);
  const [window, setWindow] = useWindow(windows, '1h');
  const overview = useQuery<Overview>(`/overview?window=${window}`, everyMs);
  const { refresh } = overview;
  useChanges(['incidents'], refresh);

  if (installation.data?.has_decisions === false) return <FirstRun installation={installation.data} />;
  return (
    <Page title="Overview" actions={<WindowChoice of={windows} value={window} onChange={setWindow} />}>
      <LiveTicks />
      <Loaded query={overview} what="the overview">
        {(data) => (
          <>
            <Staleness overview={data} />
            <Incidents incidents={data.incidents} />
            <Totals overview={data} />
            <SavingsPanel window={window} />
            <TrafficCharts overview={data} />
            <ModelShares models={data.models} />
          </>
        )}
      </Loaded>
      {installation.data?.is_simulated === true ? (
        <p class="dim small">Answers come from the built-in simulator, because no provider is configured.</p>
      ) : null}
    </Page>
  );
}
