import type { Budget } from '../../../../src/contracts/keys.ts';
import { Bar } from '../../components/bar.tsx';
import { usd } from '../../format/numbers.ts';
import { fullTime } from '../../format/times.ts';

const highShare = 0.8;

const periods: Record<Budget['period'], string> = { total: 'in all', day: 'a day', week: 'a week', month: 'a month' };

/** What was spent of a budget, what routers hold of it, and what is left. */
export function Spend({ budget }: { budget: Budget | null }) {
  if (budget === null) return <span class="dim">no limit</span>;
  const { limit_usd: limit, spent_usd: spent, leased_usd: leased, period, period_ends_at: endsAt } = budget;
  const share = limit === 0 ? 1 : spent / limit;
  return (
    <span class="labelled-bar" title={endsAt === null ? undefined : `Begins anew at ${fullTime(endsAt)}`}>
      <Bar
        share={share}
        heldShare={limit === 0 ? 0 : leased / limit}
        label="Spent"
        tone={share >= 1 ? 'bad' : share >= highShare ? 'warn' : 'accent'}
      />
      <span class="small">
        {usd(spent)} of {usd(limit)} {periods[period]}
        {leased > 0 ? <span class="dim">, {usd(leased)} held</span> : null}
      </span>
    </span>
  );
}
