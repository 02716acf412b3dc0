/** One write of an event stream: one or more whole events. */
export interface Frame {
  data: string;
  /** It carries one token of content: simulated time passes before it, and faults count it. */
  isToken: boolean;
}

/** How a dialect writes an answer. */
export interface Encoding {
  /** The whole answer as one object. */
  body: object;
  /** The answer as a stream; made anew with each call. */
  frames(): Iterable<Frame>;
}
