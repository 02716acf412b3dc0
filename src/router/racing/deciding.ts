import type { Answer } from '../race/answer.ts';
import type { RaceResult, Strategy } from '../race/run-race.ts';
import { bestStrategy, collectStrategy, consensusStrategy, firstStrategy } from '../race/strategies.ts';
import { chancesOf, countVotes, type Voter, voteWeight } from '../race/vote.ts';
import { isSameModel, nameOfModel } from '../select/field.ts';
import { askJudge } from './ask-judge.ts';
import { chanceOf, type Lane, type LaneAnswer } from './lane.ts';
import type { RacePlan } from './plan-race.ts';
import type { RaceRules } from './race-order.ts';
import type { RunningRace } from './running-race.ts';

export type Decided = Pick<RaceResult<LaneAnswer>, 'winner' | 'reason'>;

/** Answers that there could be, where nobody says how many. */
const possibleAnswersByDefault = 10;

/** How the race is decided. */
export function strategyOf(race: RunningRace): Strategy<LaneAnswer> {
  const { order, rules, plan, lanes } = race;
  switch (order.strategy) {
    case 'first':
      return firstStrategy();
    case 'best':
      if (plan.judge !== null) return collectStrategy();
      return bestStrategy((index, answer) => {
        const lane = lanes[index] as Lane;
        return { value: chanceOf(lane), model: modelOf(lane), meanLogprob: answer.meanLogprob };
      });
    case 'consensus':
      return consensusStrategy({
        voters: votersOf(race),
        extraction: rules.extraction,
        minAgreement: rules.minAgreement,
        staged: rules.staged,
        // None comes to a vote without.
        answerOf: ({ compared }) => compared as NonNullable<typeof compared>,
      });
  }
}

const modelOf = ({ decision }: Lane): string => decision.chain[0].modelId;

function possibleAnswers({ extraction }: RaceRules): number {
  return extraction.kind === 'choice' ? extraction.choices.length : possibleAnswersByDefault;
}

function votersOf({ lanes, rules }: RunningRace): Voter[] {
  return lanes.map((lane) => {
    const same = lanes.filter((other) => isSameModel(modelOf(other), modelOf(lane))).length;
    const weight = voteWeight(chanceOf(lane), possibleAnswers(rules), same);
    return { lane: lane.index, weight, model: nameOfModel(modelOf(lane)) };
  });
}

/** How likely each valid answer is right: by the vote, or else by what central has learned of its model. */
export function noteConfidence(race: RunningRace, { ended, winner }: RaceResult<LaneAnswer>): void {
  const { order, rules, lanes } = race;
  if (order.strategy === 'first') return;
  if (order.strategy === 'best') {
    for (const { lane: index, end } of ended) {
      const lane = lanes[index] as Lane;
      if (end.kind === 'answered') lane.confidence = chanceOf(lane);
    }
    return;
  }
  const voters = votersOf(race);
  const votes = ended.flatMap(({ lane, end }) => {
    const voter = voters[lane];
    const answer = end.kind === 'answered' ? end.answer.compared : null;
    return voter === undefined || answer === null ? [] : [{ voter, answer }];
  });
  const standing = countVotes(votes, rules.extraction);
  const chances = chancesOf(standing, possibleAnswers(rules));
  for (const [place, cluster] of standing.clusters.entries()) {
    for (const index of cluster.lanes) (lanes[index] as Lane).confidence = chances[place] ?? null;
  }
  if (winner === null) return;
  for (const { voter } of votes) (lanes[voter.lane] as Lane).label = byTheOthers(voter, votes, rules);
}

/** How likely the answer of one is right in the eyes of the others: its own word for it would be no evidence. */
function byTheOthers(
  voter: Voter,
  votes: ReadonlyArray<{ voter: Voter; answer: Answer }>,
  rules: RaceRules,
): number | null {
  const others = votes.map((vote) =>
    vote.voter.model === voter.model ? { ...vote, voter: { ...vote.voter, weight: 0 } } : vote,
  );
  const standing = countVotes(others, rules.extraction);
  const place = standing.clusters.findIndex(({ lanes }) => lanes.includes(voter.lane));
  return chancesOf(standing, possibleAnswers(rules))[place] ?? null;
}

/** Lets the judge choose among the valid answers; without a verdict, what central has learned of the models does. */
export async function judgeAnswers(
  race: RunningRace,
  { entry, part }: NonNullable<RacePlan['judge']>,
  { ended }: RaceResult<LaneAnswer>,
  startedAtMs: number,
): Promise<Decided> {
  const { gateway, order, rules, lanes, clock } = race;
  const valid = ended.flatMap(({ lane, end }) => (end.kind === 'answered' ? [{ lane, answer: end.answer }] : []));
  if (order.clientSignal.aborted) return { winner: null, reason: 'the client left' };
  if (valid.length === 0) return { winner: null, reason: 'no lane answered' };
  const leftMs = rules.timeoutMs - (clock.monotonicMs() - startedAtMs);
  const scores =
    valid.length < 2 || leftMs < 1
      ? null
      : await askJudge(
          valid.map(({ answer }) => answer.text),
          {
            gateway,
            question: order.question,
            judge: entry.key,
            criteria: rules.judge?.criteria ?? null,
            caller: order.caller,
            constraints: order.decisionRequest.constraints,
            origin: 'race',
            reservation: part,
            deadlineMs: leftMs,
            signal: order.clientSignal,
            span: order.span,
            random: race.random,
          },
        );
  for (const [place, { lane: index }] of valid.entries()) {
    const lane = lanes[index] as Lane;
    const score = scores?.[place] ?? null;
    lane.confidence = score ?? chanceOf(lane);
    lane.label = score ?? lane.label;
  }
  const winner = valid.reduce((best, one) =>
    ((lanes[one.lane] as Lane).confidence ?? 0) > ((lanes[best.lane] as Lane).confidence ?? 0) ? one : best,
  );
  if (scores !== null) return { winner, reason: `the judge ${entry.model.model_id} scored it highest` };
  return {
    winner,
    reason: valid.length < 2 ? 'the only valid answer' : 'the judge gave no verdict; the most likely to be right',
  };
}
