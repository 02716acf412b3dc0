import type { Verdict } from './judge.ts';
import type { Comparison } from './records.ts';

export interface Results {
  verdicts: readonly Verdict[];
  /** What went wrong besides requests. */
  problems: readonly string[];
  comparison: Comparison;
}

const shownFailures = 10;

/** Prints what was found. Returns whether all is well. */
export function printReport({ verdicts, problems, comparison }: Results): boolean {
  const sum = (count: (verdict: Verdict) => number): number => verdicts.reduce((total, each) => total + count(each), 0);
  const rows = [
    ...verdicts.map((each) => [each.step.name, each.requests, each.failed.length, each.cut, each.lostWithoutRepeats]),
    [
      'all',
      sum(({ requests }) => requests),
      sum(({ failed }) => failed.length),
      sum(({ cut }) => cut),
      sum(({ lostWithoutRepeats }) => lostWithoutRepeats),
    ],
  ];
  console.log('\n| step | requests | failed | streams cut by a kill | lost without a repeat |\n|---|---|---|---|---|');
  for (const row of rows) console.log(`| ${row.join(' | ')} |`);

  const { answers, missing, repeated, miscounted } = comparison;
  console.log(
    `\nComplete answers: ${answers}. Not recorded: ${missing.length}. Recorded twice: ${repeated}. ` +
      `Cells that were counted otherwise: ${miscounted}.`,
  );

  const failed = verdicts.flatMap((each) => each.failed.map((request) => ({ ...request, step: each.step.name })));
  const found = [
    ...problems,
    ...failed
      .slice(0, shownFailures)
      .map(({ step, client, retries, begun, failure }) =>
        [step, client, retries ? 'with repeats' : 'without repeats', begun ? 'begun' : 'not begun', failure].join(', '),
      ),
    ...(failed.length > shownFailures ? [`${failed.length - shownFailures} more failures`] : []),
    ...missing.map(({ client, decisionId, endedAtMs, recorded }) => {
      const { name } = verdicts.find(({ step }) => step.endedAtMs > endedAtMs)?.step ?? { name: 'the end' };
      return `${name}, ${client}, answered but recorded as ${recorded}: ${decisionId ?? 'no id'}`;
    }),
    ...(repeated + miscounted > 0 ? ['something was counted twice, or not at all'] : []),
  ];
  for (const problem of found) console.log(`- ${problem}`);
  console.log(found.length === 0 ? '\nAll is well.' : '\nNot well.');
  return found.length === 0;
}
