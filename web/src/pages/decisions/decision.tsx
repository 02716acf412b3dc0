import type { DecisionAttempts, DecisionRecord } from '../../../../src/contracts/decision-record.ts';
import type { Explanation } from '../../../../src/contracts/decision.ts';
import { useQuery } from '../../api/use-query.ts';
import { type Fact, Facts } from '../../components/facts.tsx';
import { Hint } from '../../components/hint.tsx';
import { Loaded } from '../../components/loaded.tsx';
import { Page, Panel } from '../../components/page.tsx';
import { percent } from '../../format/numbers.ts';
import { fullTime } from '../../format/times.ts';
import { originWords, spaced } from '../../format/words.ts';
import { linkTo } from '../../route.ts';
import { AttemptTable } from './attempt-table.tsx';
import { ExplanationView } from './explanation.tsx';
import { FeedbackButtons } from './feedback.tsx';

const everyMs = 4000;
/** Feedback takes a moment through the queue. */
const countedAfterMs = [500, 1500];

/** One decision from its request to its outcome. */
export function DecisionPage({ id }: { id: string }) {
  const query = useQuery<DecisionAttempts>(`/decisions/${encodeURIComponent(id)}`, everyMs);
  return (
    <Page title="Decision" lead={<code>{id}</code>} up={{ label: 'Decisions', href: linkTo(['decisions']) }}>
      <Loaded query={query} what="this decision">
        {({ attempts }) => {
          const [first] = attempts;
          return first === undefined ? null : (
            <Opened
              attempts={attempts}
              first={first}
              onFeedback={() => countedAfterMs.forEach((afterMs) => setTimeout(query.refresh, afterMs))}
            />
          );
        }}
      </Loaded>
    </Page>
  );
}

interface OpenedProps {
  attempts: readonly DecisionRecord[];
  first: DecisionRecord;
  onFeedback(): void;
}

function Opened({ attempts, first, onFeedback }: OpenedProps) {
  const explanation = explanationOf(attempts);
  const feedback = attempts.findLast(({ feedback_score: score }) => score !== null)?.feedback_score ?? null;
  return (
    <>
      <div class="columns side-and-main">
        <Panel title="The request">
          <Facts facts={requestFacts(first)} />
        </Panel>
        <Panel title="The answer" note="Say how good it was: no status code knows. It is learned from.">
          <div class="stack">
            <AttemptTable attempts={attempts} />
            <FeedbackButtons decisionId={first.decision_id} given={feedback} onSent={onFeedback} />
          </div>
        </Panel>
      </div>
      <Panel title="Why this model">
        {explanation === undefined ? (
          <p class="dim">No explanation is kept for this decision.</p>
        ) : (
          <ExplanationView explanation={explanation} chosen={first} />
        )}
      </Panel>
    </>
  );
}

/** It stands at the first attempt. */
function explanationOf(attempts: readonly DecisionRecord[]): Explanation | undefined {
  const found = attempts.find(({ explanation }) => explanation !== null)?.explanation;
  return found === undefined || found === null || !Array.isArray(found['candidates'])
    ? undefined
    : (found as unknown as Explanation);
}

/** What the request was like, in words; its text is kept nowhere. */
function requestFacts(record: DecisionRecord): Fact[] {
  const { capabilities_required: needs, features, predictor_version: version, predictor_arm: arm } = record;
  return [
    { label: 'When', value: fullTime(record.timestamp) },
    {
      id: 'class',
      label: <Hint term="Query type">What it is</Hint>,
      value: `${record.query_type ?? 'unknown'}, ${record.complexity}`,
      note: 'told by its words, which are kept nowhere',
    },
    { label: 'Asked for', value: record.requested_model ?? 'auto', note: record.preference ?? undefined },
    {
      label: 'Needs',
      value: needs === null || needs.length === 0 ? 'nothing special' : needs.map(spaced).join(', '),
    },
    { id: 'origin', label: <Hint term="Origin" />, value: originWords[record.origin as keyof typeof originWords] },
    {
      id: 'probability',
      label: <Hint term="Probability" />,
      value: record.propensity === null ? 'the best one was taken' : percent(record.propensity),
    },
    {
      id: 'predictor',
      label: <Hint term="Predictor" />,
      value:
        version === null
          ? 'as shipped, or none'
          : `version ${version}, ${arm === 'held_out' ? 'not used here, to compare' : 'used'}`,
      note: features === null ? undefined : `${features.length} scrambled features of the prompt`,
    },
    { label: 'Instance', value: record.instance_id },
    {
      id: 'policy',
      label: <Hint term="Policy version">Policy</Hint>,
      value: <code>{record.policy_version ?? '–'}</code>,
    },
    ...(record.rollout_id === null
      ? []
      : [
          {
            id: 'rollout',
            label: <Hint term="Rollout" />,
            value: <a href={linkTo(['upgrades', record.rollout_id])}>{record.rollout_arm}</a>,
          },
        ]),
  ];
}
