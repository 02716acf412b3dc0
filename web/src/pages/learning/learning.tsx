import { useCallback } from 'preact/hooks';
import type { Learning } from '../../../../src/contracts/dashboard.ts';
import type { Scores } from '../../../../src/contracts/scores-api.ts';
import { useChanges } from '../../api/live.ts';
import { useQuery } from '../../api/use-query.ts';
import { Loaded } from '../../components/loaded.tsx';
import { Page } from '../../components/page.tsx';
import { BeliefPanel } from './beliefs.tsx';
import { ChangePanel } from './changes.tsx';
import { IncidentPanel } from './incident-panel.tsx';
import { PredictorPanel } from './predictors.tsx';

const everyMs = 15_000;

/** What was learned, how it came about, and back again. */
export function LearningPage() {
  const learning = useQuery<Learning>('/learning', everyMs);
  const scores = useQuery<Scores>('/scores?limit=200', everyMs);
  const refresh = useCallback(() => {
    learning.refresh();
    scores.refresh();
  }, [learning.refresh, scores.refresh]);
  useChanges(['scores', 'incidents', 'predictors'], refresh);

  return (
    <Page
      title="Learning"
      lead="Scores follow outcomes. Here is what changed, by how much, and why; any earlier state can be put back."
    >
      <Loaded query={learning} what="incidents">
        {({ incidents }) => <IncidentPanel incidents={incidents} onChange={refresh} />}
      </Loaded>
      <Loaded query={scores} what="score changes">
        {(data) => <ChangePanel scores={data} onRestored={refresh} />}
      </Loaded>
      <Loaded query={learning} what="beliefs">
        {({ cells, predictors }) => (
          <>
            <BeliefPanel cells={cells} />
            <PredictorPanel predictors={predictors} />
          </>
        )}
      </Loaded>
    </Page>
  );
}
