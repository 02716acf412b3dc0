import { promptFromText } from '../classify/prompt.ts';
import type { Completion, Gateway } from '../gateway.ts';
import { judgeMessages, readScores, shuffled } from '../race/judge.ts';
import type { RoutableModel } from '../select/routable-model.ts';
import { answerText } from '../surfaces/chat/assemble.ts';
import { chatSurface } from '../surfaces/chat/surface.ts';
import { parseObject } from '../surfaces/surface.ts';
import type { ReservedPart } from '../admission/share-reservation.ts';
import type { RaceOrder } from './race-order.ts';

export interface JudgeOptions {
  gateway: Gateway;
  order: RaceOrder;
  judge: RoutableModel;
  criteria: string | null;
  part: ReservedPart;
  deadlineMs: number;
  /** Uniform in [0, 1). */
  random(): number;
}

/**
 * How good a judge finds the answers, each in [0, 1], in the order given; null where it gave no verdict: it failed, ran out
 * of time, or said something else.
 */
export async function askJudge(answers: readonly string[], options: JudgeOptions): Promise<number[] | null> {
  const { gateway, order, judge, part } = options;
  const shown = shuffled(answers.length, options.random);
  const messages = judgeMessages(
    order.question,
    shown.map((index) => answers[index] ?? ''),
    options.criteria,
  );
  const body = { model: judge.key, messages };
  let completion: Completion;
  try {
    const decision = gateway.decide({
      ...order.decisionRequest,
      prompt: promptFromText(messages.map(({ content }) => content).join('\n')),
      models: null,
      requestedModel: judge.key,
      // No request of a user: what it teaches of the model is left aside.
      origin: 'race',
      constraints: { ...order.decisionRequest.constraints, requiredCapabilities: [], nativeSurface: null },
    });
    completion = await gateway.complete({
      decision,
      request: {
        surface: chatSurface,
        bytes: Buffer.from(JSON.stringify(body)),
        body,
        stream: false,
        headers: {},
        query: '',
      },
      caller: order.caller,
      maxOutputTokens: null,
      conversationId: null,
      reservation: part,
      deadlineMs: options.deadlineMs,
      clientSignal: order.clientSignal,
    });
  } catch {
    // Counted as every failed call is; the race goes on without a judge.
    return null;
  }
  if (completion.kind !== 'whole') return null;
  const document = parseObject(completion.answer.body.toString('utf8'));
  const scores = document === null ? null : readScores(answerText(document), answers.length);
  if (scores === null) return null;
  const inOrder = answers.map(() => 0);
  for (const [place, index] of shown.entries()) inOrder[index] = scores[place] ?? 0;
  return inOrder;
}
