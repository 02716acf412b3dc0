import { useCallback, useState } from 'preact/hooks';
import type { z } from 'zod';
import type {
  Evaluation,
  evaluationsSchema,
  UpgradeCandidateBody,
  upgradeCandidatesSchema,
} from '../../../../src/contracts/upgrade-api.ts';
import { ApiError, call } from '../../api/client.ts';
import { useChanges } from '../../api/live.ts';
import { useRefusal } from '../../api/session.ts';
import { useQuery } from '../../api/use-query.ts';
import { Hint } from '../../components/hint.tsx';
import { Empty, Loaded } from '../../components/loaded.tsx';
import { Page, Panel } from '../../components/page.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { Time } from '../../components/time.tsx';
import { linkTo } from '../../route.ts';
import { StageTrack } from './stage-track.tsx';
import { StateBadge } from './state-badge.tsx';
import { neededWords } from './words.ts';

const everyMs = 10_000;

/** New models on their way. */
export function UpgradesPage() {
  const evaluations = useQuery<z.infer<typeof evaluationsSchema>>('/services/upgrade/evaluations', everyMs);
  const candidates = useQuery<z.infer<typeof upgradeCandidatesSchema>>('/services/upgrade/candidates', everyMs);
  const refresh = useCallback(() => {
    evaluations.refresh();
    candidates.refresh();
  }, [evaluations.refresh, candidates.refresh]);
  useChanges(['rollouts', 'models'], refresh);

  return (
    <Page
      title="Upgrades"
      lead={
        <>
          New models are found, compared in <Hint term="Shadow">copies</Hint>, tried by a{' '}
          <Hint term="Canary">share of the traffic</Hint>, and promoted or rolled back by their evidence.
        </>
      }
      actions={<DiscoverButton onFound={refresh} />}
    >
      <Panel title={<Hint term="Rollout">Rollouts</Hint>}>
        <Loaded query={evaluations} what="rollouts">
          {({ evaluations: rows }) =>
            rows.length === 0 ? (
              <Empty title="No model is on its way">
                <p>When a provider brings out a model that could replace one in use, it is proposed here.</p>
              </Empty>
            ) : (
              <Table
                caption="Rollouts, the newest first"
                columns={rolloutColumns}
                rows={rows}
                rowKey={({ rollout_id: id }) => id}
              />
            )
          }
        </Loaded>
      </Panel>
      <Panel title="Found models" note="Models that came out after their provider was first seen.">
        <Loaded query={candidates} what="found models">
          {({ candidates: rows }) =>
            rows.length === 0 ? (
              <Empty title="No new model was found yet" />
            ) : (
              <Table
                caption="Found models, the newest first"
                columns={candidateColumns}
                rows={rows}
                rowKey={({ id }) => id}
              />
            )
          }
        </Loaded>
      </Panel>
    </Page>
  );
}

const rolloutColumns: ReadonlyArray<Column<Evaluation>> = [
  {
    id: 'model',
    head: 'Model',
    isRowHead: true,
    cell: ({ rollout_id: id, candidate, control }) => (
      <>
        <a href={linkTo(['upgrades', id])}>{candidate.model_id}</a>{' '}
        <span class="dim">
          in the place of {control.model_id}, {candidate.provider}
        </span>
      </>
    ),
  },
  { id: 'state', head: 'State', cell: (evaluation) => <StateBadge evaluation={evaluation} /> },
  { id: 'stages', head: 'Stages', cell: (evaluation) => <StageTrack evaluation={evaluation} /> },
  { id: 'needed', head: <Hint term="Requests needed" />, cell: neededWords },
  { id: 'why', head: 'Why it is there', cell: ({ reason }) => reason },
  { id: 'since', head: 'Since', cell: ({ stage_since: at }) => <Time at={at} /> },
];

const candidateColumns: ReadonlyArray<Column<UpgradeCandidateBody>> = [
  {
    id: 'model',
    head: 'Model',
    isRowHead: true,
    cell: ({ model_id: model, provider, rollout, preview }) => (
      <>
        {rollout === null ? model : <a href={linkTo(['upgrades', rollout.rollout_id])}>{model}</a>}{' '}
        <span class="dim">
          {provider}
          {preview ? ', preview' : ''}
        </span>
      </>
    ),
  },
  { id: 'replaces', head: 'Would replace', cell: ({ replaces }) => replaces ?? 'nothing' },
  { id: 'why', head: 'Why', cell: ({ reason }) => reason },
  { id: 'seen', head: 'Found', cell: ({ first_seen_at: at }) => <Time at={at} /> },
];

function DiscoverButton({ onFound }: { onFound(): void }) {
  const [said, setSaid] = useState('');
  const refusal = useRefusal();
  async function discover(): Promise<void> {
    setSaid('Looking …');
    try {
      await call('/services/upgrade/discover', { method: 'POST' });
      setSaid('Looked just now.');
      onFound();
    } catch (error) {
      setSaid(error instanceof ApiError ? error.message : 'It could not be done.');
    }
  }
  return (
    <>
      <span class="dim" role="status">
        {said}
      </span>
      <button type="button" disabled={refusal !== undefined} title={refusal} onClick={() => void discover()}>
        Look for new models now
      </button>
    </>
  );
}
