import type { DashboardModels } from '../../../../src/contracts/dashboard.ts';
import { useChanges } from '../../api/live.ts';
import { useQuery } from '../../api/use-query.ts';
import { Empty, Loaded } from '../../components/loaded.tsx';
import { Page, Panel } from '../../components/page.tsx';
import { longWindows, useWindow, WindowChoice } from '../../components/window-choice.tsx';
import { CostQuality } from './cost-quality.tsx';
import { ModelTable } from './model-table.tsx';

const everyMs = 15_000;

export function ModelsPage() {
  const [window, setWindow] = useWindow(longWindows, '24h');
  const models = useQuery<DashboardModels>(`/dashboard/models?window=${window}`, everyMs);
  const { refresh } = models;
  useChanges(['scores', 'models'], refresh);
  return (
    <Page
      title="Models"
      lead="What each model is believed to be worth, and what it costs."
      actions={<WindowChoice of={longWindows} value={window} onChange={setWindow} />}
    >
      <Loaded query={models} what="models">
        {(data) =>
          data.models.length === 0 ? (
            <Empty title="No models yet">
              <p>They are listed as soon as a provider is configured and answers.</p>
            </Empty>
          ) : (
            <>
              <CostQuality points={data.cost_quality} />
              <Panel title="Catalogue">
                <ModelTable models={data.models} />
              </Panel>
            </>
          )
        }
      </Loaded>
    </Page>
  );
}
