import type { Overview, Traffic } from '../../../../src/contracts/dashboard.ts';
import { type Fact, Stats } from '../../components/facts.tsx';
import { Hint } from '../../components/hint.tsx';
import { count, milliseconds, percent, signed, usd } from '../../format/numbers.ts';

/** The great numbers of the window, each beside that of the window before. */
export function Totals({ overview: { totals, previous } }: { overview: Overview }) {
  const facts: Fact[] = [
    { label: 'Requests', value: count(totals.requests), note: changeOf(totals.requests, previous.requests) },
    {
      id: 'success',
      label: <Hint term="Success rate" />,
      value: percent(totals.success_rate),
      note: `${count(totals.failed)} failed, ${count(totals.left)} left${pointsOf(totals, previous)}`,
    },
    {
      id: 'first',
      label: (
        <>
          <Hint term="First token" />, <Hint term="p50" />
        </>
      ),
      value: milliseconds(totals.first_token_ms?.p50),
      note: tail(totals.first_token_ms),
    },
    {
      id: 'whole',
      label: (
        <>
          <Hint term="Whole answer" />, <Hint term="p50" />
        </>
      ),
      value: milliseconds(totals.latency_ms?.p50),
      note: tail(totals.latency_ms),
    },
    {
      id: 'spend',
      label: <Hint term="Spend" />,
      value: usd(totals.cost_usd),
      note: changeOf(totals.cost_usd, previous.cost_usd),
    },
    {
      label: 'Tokens in, out',
      value: `${compact(totals.input_tokens)}, ${compact(totals.output_tokens)}`,
      note:
        totals.feedback_mean === null
          ? 'no feedback'
          : `feedback ${percent(totals.feedback_mean)} good, ${count(totals.feedback_count)} given`,
    },
  ];
  return <Stats facts={facts} />;
}

const tokens = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });
const compact = (value: number): string => tokens.format(value);

function tail(quantiles: Traffic['latency_ms']): string {
  return quantiles === null
    ? 'nothing measured'
    : `p95 ${milliseconds(quantiles.p95)}, p99 ${milliseconds(quantiles.p99)}`;
}

function changeOf(now: number, before: number): string {
  if (before === 0) return 'nothing in the window before';
  return `${percentChange(now / before - 1)} on the window before`;
}

function percentChange(change: number): string {
  return `${signed(change * 100, 0)}%`;
}

function pointsOf({ success_rate: now }: Traffic, { success_rate: before }: Traffic): string {
  return now === null || before === null ? '' : `; ${signed((now - before) * 100, 1)} points`;
}
