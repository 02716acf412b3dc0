import type { Endpoint, Provider } from '../platform/providers/definitions.ts';
import type { MeasuredCall } from '../platform/telemetry/otlp.ts';
import type { Span, SpanAttributes } from '../platform/telemetry/span.ts';
import { msPerOutputToken } from './accounting.ts';
import type { Decision } from './decide.ts';
import type { AttemptOutcome } from './publish/events.ts';
import { attemptAttributes, calledAttributes, errorOf, outcomeAttributes } from './span-attributes.ts';

/** The calls of one request, told to whoever collects traces and metrics. */
export interface CallSignals {
  /** A call begins. Headers by which its provider joins the trace; null where there are none. */
  begin(index: number, provider: Provider, model: string, isHedge: boolean): Readonly<Record<string, string>> | null;
  /** The call of that index has ended. */
  end(index: number, attempt: AttemptOutcome, finishReason: string | null): void;
}

/** Makes them for a request; `span` is null where it is not traced. */
export type SignalsOf = (decision: Decision, surface: Endpoint, span: Span | null) => CallSignals;

interface Call {
  attributes: SpanAttributes;
  span: Span | null;
}

/** `boundedLabel`: a name as metrics may have it. */
export function callSignals(
  measure: (call: MeasuredCall) => void,
  boundedLabel: (label: string, value: string) => string,
): SignalsOf {
  return (decision, surface, span) => {
    const calls = new Map<number, Call>();
    return {
      begin(index, provider, model, isHedge) {
        const attributes = calledAttributes(provider, model, surface);
        const name = `${String(attributes['gen_ai.operation.name'])} ${model}`;
        const call = span?.call(name, { ...attributes, ...attemptAttributes(decision, isHedge) }) ?? null;
        calls.set(index, { attributes, span: call });
        return call?.headers() ?? null;
      },
      end(index, attempt, finishReason) {
        const call = calls.get(index);
        if (call === undefined) return;
        calls.delete(index);
        const error = errorOf(attempt);
        call.span?.set(outcomeAttributes(attempt, finishReason));
        call.span?.end(error);
        if (decision.origin !== 'shadow') measure(toMeasured(call.attributes, attempt, error));
      },
    };
  };

  function toMeasured(attributes: SpanAttributes, attempt: AttemptOutcome, error: string | null): MeasuredCall {
    const { usage, usageEstimated, timeToFirstTokenMs } = attempt;
    const perTokenMs = msPerOutputToken(attempt);
    return {
      attributes: {
        ...attributes,
        'gen_ai.request.model': boundedLabel('model', attempt.step.modelId),
        ...(error === null ? {} : { 'error.type': error }),
      },
      durationS: attempt.responseTimeMs / 1000,
      timeToFirstTokenS: timeToFirstTokenMs === null ? null : timeToFirstTokenMs / 1000,
      timePerOutputTokenS: perTokenMs === null ? null : perTokenMs / 1000,
      tokens: usage === null || usageEstimated ? null : { input: usage.inputTokens, output: usage.outputTokens },
    };
  }
}
