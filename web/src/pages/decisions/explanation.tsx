import type { Candidate, Explanation, Exclusion } from '../../../../src/contracts/decision.ts';
import { Badge } from '../../components/badge.tsx';
import { Hint } from '../../components/hint.tsx';
import { ModelName } from '../../components/model-name.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { milliseconds, percent, plural, score, signed, usd } from '../../format/numbers.ts';
import { exclusionWords, spaced } from '../../format/words.ts';

interface ChosenModel {
  model: string;
  provider: string;
}

/** Why this model: the candidates with the terms of their scores, and who was left out. */
export function ExplanationView({ explanation, chosen }: { explanation: Explanation; chosen: ChosenModel }) {
  const { summary, trade_off: tradeOff, candidates, excluded, excluded_counts: counts } = explanation;
  return (
    <div class="stack">
      <p>{summary}.</p>
      {tradeOff === undefined ? null : (
        <p class="dim">
          <Hint term="Trade-off" /> {tradeOff.value}, set by the {spaced(tradeOff.source)}; expected to be{' '}
          {percent(tradeOff.quality_ratio)} as good as the best one.
        </p>
      )}
      {candidates.length === 0 ? (
        <p class="dim">No candidates were weighed: the model was asked for by name.</p>
      ) : (
        <CandidateTable candidates={candidates} chosen={chosen} />
      )}
      <ExclusionList excluded={excluded} counts={counts} />
    </div>
  );
}

function CandidateTable({ candidates, chosen }: { candidates: readonly Candidate[]; chosen: ChosenModel }) {
  const isChosen = ({ model, provider }: Candidate) => model === chosen.model && provider === chosen.provider;
  const columns: ReadonlyArray<Column<Candidate>> = [
    {
      id: 'model',
      head: 'Candidate',
      isRowHead: true,
      cell: (candidate) => (
        <>
          <ModelName model={candidate.model} provider={candidate.provider} />{' '}
          {isChosen(candidate) ? <Badge tone="accent">chosen</Badge> : null}
        </>
      ),
    },
    { id: 'total', head: <Hint term="Total" />, isNumber: true, cell: ({ terms }) => <b>{terms.total.toFixed(3)}</b> },
    { id: 'quality', head: <Hint term="Quality" />, isNumber: true, cell: ({ terms }) => signed(terms.quality) },
    {
      id: 'preference',
      head: <Hint term="Preference" />,
      isNumber: true,
      cell: ({ terms }) => signed(terms.preference),
    },
    { id: 'cost', head: <Hint term="Cost" />, isNumber: true, cell: ({ terms }) => signed(terms.cost) },
    { id: 'latency', head: <Hint term="Latency" />, isNumber: true, cell: ({ terms }) => signed(terms.latency) },
    { id: 'affinity', head: <Hint term="Affinity" />, isNumber: true, cell: ({ terms }) => signed(terms.affinity) },
    {
      id: 'score',
      head: <Hint term="Score" />,
      isNumber: true,
      cell: ({ complexity_score: value, score_source: source }) => (
        <>
          {score(value)} {source === 'learned' ? <span class="dim">learned</span> : null}
        </>
      ),
    },
    {
      id: 'believed',
      head: <Hint term="Believed score">Believed</Hint>,
      isNumber: true,
      cell: ({ believed_score: value }) => score(value),
    },
    {
      id: 'shift',
      head: <Hint term="Prompt shift" />,
      isNumber: true,
      cell: ({ prompt_shift: shift }) => (shift === undefined ? '–' : signed(shift)),
    },
    { id: 'about', head: 'About', isNumber: true, cell: ({ estimated_cost_usd: costUsd }) => usd(costUsd) },
    {
      id: 'first',
      head: <Hint term="First token" />,
      isNumber: true,
      cell: ({ expected_ttft_ms: firstMs }) => milliseconds(firstMs),
    },
    {
      id: 'probability',
      head: <Hint term="Probability" />,
      isNumber: true,
      cell: ({ probability }) => (probability === undefined ? '–' : percent(probability)),
    },
  ];
  return (
    <Table
      caption="Candidates with the terms of their scores, the best first"
      columns={columns}
      rows={candidates}
      rowKey={({ model, provider }) => `${provider}/${model}`}
    />
  );
}

interface ExclusionListProps {
  excluded: readonly Exclusion[];
  counts: Explanation['excluded_counts'];
}

function ExclusionList({ excluded, counts }: ExclusionListProps) {
  const total = Object.values(counts).reduce((sum, value) => sum + value, 0);
  if (total === 0) return <p class="dim">No model was left out.</p>;
  return (
    <details>
      <summary>{plural(total, 'model')} left out</summary>
      <ul class="stack">
        {excluded.map(({ model, provider, reason, detail }) => (
          <li key={`${provider}/${model}`}>
            <ModelName model={model} provider={provider} />: {exclusionWords[reason]}{' '}
            <span class="dim">({detail})</span>
          </li>
        ))}
        {total > excluded.length ? <li class="dim">and {total - excluded.length} more</li> : null}
      </ul>
    </details>
  );
}
