/** What a span says, by names of OpenTelemetry's conventions or of our own. Never what was asked or answered. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean | string[]>>;

/** A piece of work within a trace. It must be ended once; what comes later is lost. */
export interface Span {
  set(attributes: SpanAttributes): void;
  /** A call of somebody else on behalf of this one. */
  call(name: string, attributes: SpanAttributes): Span;
  /** Headers by which the one who is called can join the trace; null where that is not wanted. */
  headers(): Readonly<Record<string, string>> | null;
  /** `error`: the class of what went wrong; null where nothing did. */
  end(error: string | null): void;
}
