import { useCallback, useState } from 'preact/hooks';
import type { Evaluation, UpgradeAction, UpgradeStep } from '../../../../src/contracts/upgrade-api.ts';
import { callJson } from '../../api/client.ts';
import { useChanges } from '../../api/live.ts';
import { useRefusal } from '../../api/session.ts';
import { useQuery } from '../../api/use-query.ts';
import { type Fact, Facts } from '../../components/facts.tsx';
import { Hint } from '../../components/hint.tsx';
import { Loaded } from '../../components/loaded.tsx';
import { Page, Panel } from '../../components/page.tsx';
import { ReasonDialog } from '../../components/reason-dialog.tsx';
import { Time } from '../../components/time.tsx';
import { count, score, usd } from '../../format/numbers.ts';
import { spaced } from '../../format/words.ts';
import { linkTo } from '../../route.ts';
import { EvidencePanel } from './evidence.tsx';
import { RolloutLog } from './rollout-log.tsx';
import { StageTrack } from './stage-track.tsx';
import { StateBadge } from './state-badge.tsx';
import { actionsFor, actionWords, neededWords } from './words.ts';

const everyMs = 5000;

/** One rollout: where it is, what speaks for and against it, and what one may do. */
export function UpgradePage({ id }: { id: string }) {
  const query = useQuery<Evaluation>(`/services/upgrade/rollouts/${encodeURIComponent(id)}`, everyMs);
  const [steps, setSteps] = useState(0);
  const refresh = useCallback(() => {
    query.refresh();
    setSteps((before) => before + 1);
  }, [query.refresh]);
  useChanges(['rollouts'], refresh);
  const name = query.data?.candidate.model_id;

  return (
    <Page
      title={name === undefined ? 'Upgrade' : `Upgrade to ${name}`}
      up={{ label: 'Upgrades', href: linkTo(['upgrades']) }}
    >
      <Loaded query={query} what="this rollout">
        {(evaluation) => (
          <>
            <Panel title="Where it is" actions={<Actions evaluation={evaluation} onDone={refresh} />}>
              <div class="stack">
                <StageTrack evaluation={evaluation} />
                <Facts facts={factsOf(evaluation)} />
              </div>
            </Panel>
            <EvidencePanel evaluation={evaluation} />
          </>
        )}
      </Loaded>
      <RolloutLog id={id} steps={steps} />
    </Page>
  );
}

function Actions({ evaluation, onDone }: { evaluation: Evaluation; onDone(): void }) {
  const [asked, setAsked] = useState<UpgradeAction>();
  const refusal = useRefusal();
  const name = evaluation.candidate.model_id;
  return (
    <>
      {actionsFor(evaluation).map((action) => (
        <button
          key={action}
          type="button"
          class={actionWords[action].isDangerous ? 'danger' : undefined}
          disabled={refusal !== undefined}
          onClick={() => setAsked(action)}
        >
          {actionWords[action].label} …
        </button>
      ))}
      {refusal === undefined ? null : <span class="dim small">{refusal}</span>}
      {asked === undefined ? null : (
        <ReasonDialog
          title={`${actionWords[asked].label}: ${name}`}
          confirm={actionWords[asked].label}
          isDangerous={actionWords[asked].isDangerous}
          onConfirm={async (reason) => {
            await callJson<UpgradeStep>(`/services/upgrade/candidates/${evaluation.rollout_id}/${asked}`, {
              method: 'POST',
              body: { reason, actor: 'dashboard' },
            });
            onDone();
          }}
          onClose={() => setAsked(undefined)}
        >
          <p>{actionWords[asked].effect}</p>
        </ReasonDialog>
      )}
    </>
  );
}

function factsOf(evaluation: Evaluation): Fact[] {
  const { candidate, control, reason, advice, proposal, evidence, watched_until: watchedUntil } = evaluation;
  const { judge, mean_cost_usd: cost, requests, unavailable } = evidence;
  return [
    { label: 'State', value: <StateBadge evaluation={evaluation} />, note: reason },
    {
      label: 'Would replace',
      value: `${control.model_id} by ${candidate.model_id}`,
      note: `at ${candidate.provider}${proposal.summary === '' ? '' : `; ${proposal.summary}`}`,
    },
    ...(proposal.capabilities_lost.length === 0
      ? []
      : [{ label: 'It cannot', value: proposal.capabilities_lost.map(spaced).join(', ') }]),
    { id: 'needed', label: <Hint term="Requests needed">Still needed</Hint>, value: neededWords(evaluation) },
    {
      label: 'Answers, new and old',
      value: `${count(requests.candidate)} and ${count(requests.control)}`,
      note: `${count(evidence.pairs)} copies compared; not there for ${count(unavailable.candidate)} and ${count(unavailable.control)} requests`,
    },
    { label: 'An answer costs', value: `${usd(cost.candidate)} and ${usd(cost.control)}` },
    ...(judge === null
      ? []
      : [
          {
            label: 'Judged, blind',
            value: `${score(judge.candidate_score)} and ${score(judge.control_score)} of 1`,
            note: `in ${count(judge.judged)} pairs`,
          },
        ]),
    ...(watchedUntil === null
      ? []
      : [{ label: 'Watched until', value: <Time at={watchedUntil} />, note: 'an alarm until then rolls it back' }]),
    ...(advice === null ? [] : [{ label: 'What you may do', value: advice }]),
  ];
}
