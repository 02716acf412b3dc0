import type { Counted, Evaluation, RolloutTest, UpgradeStep } from '../contracts/upgrade-api.ts';
import { type Colors, table } from './terminal.ts';

const barWidth = 12;

/** A rollout on a terminal: where it is, what it waits for, and its evidence. */
export function evaluationLines(evaluation: Evaluation, colors: Colors): string[] {
  const { candidate, control, state, reason, advice, proposal, evidence } = evaluation;
  const isPaired = state === 'shadow';
  const lines = [
    `${colors.bold(nameOf(candidate))} in the place of ${nameOf(control)}  ${stateWords(evaluation, colors)}`,
    `  ${reason}`,
    ...(advice === null ? [] : [`  ${colors.yellow(advice)}`]),
    `  ${colors.dim(proposal.summary)}`,
  ];
  if (state === 'proposed' || state === 'dismissed' || state === 'withdrawn')
    return lines.filter((line) => line.trim() !== '');
  const header = ['', 'WORSE?', '', 'NO WORSE?', '', candidate.model_id, control.model_id, 'MORE REQUESTS'];
  const rows = evidence.tests.map((test) => [
    test.name,
    ...bar(test.harm, colors.red, colors),
    ...(isPaired ? [colors.dim('-'), ''] : bar(test.safety, colors.green, colors)),
    ...countsOf(test, isPaired).map(rateWords),
    isPaired ? '-' : neededWords(test),
  ]);
  lines.push(...table([header.map((text) => colors.dim(text)), ...rows]).map((line) => `  ${line}`));
  lines.push(`  ${colors.dim(seenWords(evaluation))}`);
  return lines.filter((line) => line.trim() !== '');
}

function countsOf(test: RolloutTest, isPaired: boolean): [Counted | null, Counted | null] {
  if (!isPaired) return [test.candidate, test.control];
  return [test.pairs?.candidate ?? null, test.pairs?.control ?? null];
}

/** Evidence against its bound: both as logarithms, for evidence multiplies. */
function bar(
  { log_evidence: evidence, bound }: { log_evidence: number; bound: number },
  paint: (text: string) => string,
  colors: Colors,
): [string, string] {
  const filled = Math.round(Math.min(1, Math.max(0, evidence / bound)) * barWidth);
  const drawn = paint('█'.repeat(filled)) + colors.dim('░'.repeat(barWidth - filled));
  return [drawn, `${evidence.toFixed(1)}/${bound.toFixed(1)}`];
}

function rateWords(counted: Counted | null): string {
  if (counted === null || counted.rate === null) return '-';
  const [low, high] = counted.interval;
  return `${percent(counted.rate)} [${percent(low)}, ${percent(high)}] ${counted.bad}/${counted.of}`;
}

function neededWords({
  is_required: isRequired,
  is_safe: isSafe,
  requests_needed: needed,
  candidate,
}: RolloutTest): string {
  if (!isRequired) return candidate.of === 0 ? 'not judged' : 'too few judged';
  if (isSafe) return 'enough';
  return needed === null ? 'never at these rates' : `about ${count(Number(needed.toPrecision(2)))}`;
}

function seenWords({ evidence }: Evaluation): string {
  const { pairs, requests, judge, mean_cost_usd: cost } = evidence;
  const parts = [`${count(pairs)} pairs`, `${count(requests.candidate)} and ${count(requests.control)} answers`];
  if (judge !== null) {
    const scores = `${judge.candidate_score.toFixed(2)} and ${judge.control_score.toFixed(2)}`;
    parts.push(`judged ${scores} in ${count(judge.judged)} pairs`);
  }
  if (cost.candidate !== null && cost.control !== null) {
    parts.push(`${cost.candidate.toPrecision(3)} and ${cost.control.toPrecision(3)} USD an answer`);
  }
  return parts.join(' · ');
}

function stateWords(evaluation: Evaluation, colors: Colors): string {
  const { state, stage, stages, share, held, watched_until: watchedUntil } = evaluation;
  const paint = { proposed: colors.yellow, shadow: colors.cyan, canary: colors.cyan, promoted: colors.green };
  const color = state in paint ? paint[state as keyof typeof paint] : colors.red;
  const words = [state.replace('_', ' ')];
  if (state === 'shadow') words.push(`copies of ${percent(share)}`);
  if (state === 'canary') words.push(`stage ${stage + 1} of ${stages}`, percent(share));
  if (watchedUntil !== null) words.push(`watched until ${watchedUntil.slice(0, 16).replace('T', ' ')} UTC`);
  return color(words.join(' · ')) + (held ? ` ${colors.yellow('held')}` : '');
}

/** What an action did, or would. */
export function stepSentence(step: UpgradeStep): string {
  const { dry_run: isDry, event, model, from, to, share, held, statuses } = step;
  const verb = isDry ? 'would be' : 'is';
  const where =
    to === null
      ? `${model}: ${event} ${isDry ? 'would be done' : 'is done'}`
      : `${model} ${verb} ${to.replace('_', ' ')}`;
  const details = [
    ...(from !== null && from !== to ? [`was ${from.replace('_', ' ')}`] : []),
    ...(to === 'shadow' || to === 'canary' ? [`${percent(share)}${held ? ', held' : ''}`] : []),
    ...statuses.map(
      (change) => `${change.provider}/${change.model_id} ${isDry ? 'would become' : 'is'} ${change.status}`,
    ),
  ];
  return details.length === 0 ? where : `${where} (${details.join('; ')})`;
}

function nameOf({ provider, model_id: id }: { provider: string; model_id: string }): string {
  return `${provider}/${id}`;
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(2))}%`;
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}
