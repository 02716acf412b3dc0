import type { Span } from '../../platform/telemetry/span.ts';
import type { Caller, Reservation } from '../admission/admission.ts';
import { promptFromText } from '../classify/prompt.ts';
import type { DecisionRequest } from '../decide.ts';
import type { Completion, Gateway } from '../gateway.ts';
import { judgeMessages, readScores, shuffled } from '../race/judge.ts';
import { answerText } from '../surfaces/chat/assemble.ts';
import { chatSurface } from '../surfaces/chat/surface.ts';
import { parseObject } from '../surfaces/surface.ts';

export interface JudgeOptions {
  gateway: Gateway;
  /** What was asked, as a text. */
  question: string;
  /** As `provider/model_id`, or a name alone. */
  judge: string;
  criteria: string | null;
  caller: Caller;
  constraints: DecisionRequest['constraints'];
  /** No request of a user: what it teaches of the model is left aside. */
  origin: 'race' | 'shadow';
  /** What it may use is held already. */
  reservation: Reservation;
  deadlineMs: number;
  signal: AbortSignal;
  /** Of the race; null where it is not traced, or over. */
  span: Span | null;
  /** Uniform in [0, 1). */
  random(): number;
}

/**
 * How good a judge finds the answers, each in [0, 1], in the order given; null where it gave no verdict: it failed, ran out
 * of time, or said something else.
 */
export async function askJudge(answers: readonly string[], options: JudgeOptions): Promise<number[] | null> {
  const { gateway, judge } = options;
  const shown = shuffled(answers.length, options.random);
  const messages = judgeMessages(
    options.question,
    shown.map((index) => answers[index] ?? ''),
    options.criteria,
  );
  const body = { model: judge, messages };
  let completion: Completion;
  try {
    const decision = gateway.decide({
      prompt: promptFromText(messages.map(({ content }) => content).join('\n')),
      requestedModel: judge,
      origin: options.origin,
      constraints: { ...options.constraints, requiredCapabilities: [], nativeSurface: null },
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
        span: options.span,
      },
      caller: options.caller,
      maxOutputTokens: null,
      conversationId: null,
      reservation: options.reservation,
      deadlineMs: options.deadlineMs,
      clientSignal: options.signal,
    });
  } catch {
    // Counted as every failed call is; there are no scores then.
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
