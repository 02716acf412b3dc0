import type { Window } from '../../../../src/contracts/dashboard.ts';
import type { Savings } from '../../../../src/contracts/savings.ts';
import { useQuery } from '../../api/use-query.ts';
import { type Fact, Stats } from '../../components/facts.tsx';
import { Hint } from '../../components/hint.tsx';
import { Loaded } from '../../components/loaded.tsx';
import { Panel } from '../../components/page.tsx';
import { hoursOf } from '../../components/window-choice.tsx';
import { count, percent, range, usd } from '../../format/numbers.ts';

const everyMs = 30_000;

/** What routing saved, how that is known, and how sure it is. */
export function SavingsPanel({ window }: { window: Window }) {
  const savings = useQuery<Savings>(`/savings?hours=${hoursOf(window)}`, everyMs);
  return (
    <Panel
      title="Is routing worth it?"
      note={
        <>
          Compared with the <Hint term="Best single model">best single model</Hint> on the same requests.
        </>
      }
    >
      <Loaded query={savings} what="savings">
        {(data) => (
          <>
            <Stats facts={factsOf(data)} />
            {data.notes.length === 0 ? null : (
              <details class="small dim">
                <summary>How sure this is</summary>
                <ul class="bullets">
                  {data.notes.map((note) => (
                    <li key={note}>{note}</li>
                  ))}
                </ul>
              </details>
            )}
          </>
        )}
      </Loaded>
    </Panel>
  );
}

function factsOf({ saved, spent, baseline, quality, requests }: Savings): Fact[] {
  return [
    {
      id: 'net',
      label: <Hint term="Net savings" />,
      value: usd(saved?.usd),
      note: saved === null ? 'not known yet' : `${percent(saved.share)} of what it would have cost`,
    },
    {
      label: 'Spent on automatic requests',
      value: usd(spent.total_usd),
      note: `${count(requests.answered)} answered, ${count(requests.left_out)} left out`,
    },
    {
      id: 'baseline',
      label: 'The best single model',
      value: usd(baseline?.cost_usd),
      note: baseline === null ? 'none is known' : `${baseline.model} at ${baseline.provider}`,
    },
    qualityFact(quality),
  ];
}

/** As measured where the data can tell, else as believed. */
function qualityFact({ quality_ratio: measured, believed_ratio: believed, floor, holds }: Savings['quality']): Fact {
  const kept =
    floor === null ? '' : `; floor ${percent(floor)}${holds === null ? '' : holds ? ', kept' : ', not kept'}`;
  return {
    id: 'ratio',
    label: <Hint term="Quality ratio" />,
    value: measured === null ? percent(believed) : percent(measured.value),
    note:
      measured === null
        ? `as believed: too little is measured yet${kept}`
        : `${range(measured.interval, percent)} with 95%${kept}`,
  };
}
