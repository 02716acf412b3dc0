/** What one round of learning came to. */
export interface LearnResult {
  /** Cells with new evidence that were learned from. */
  cells: number;
  /** Scores that changed and were published. */
  published: number;
  /** Cells with some evidence, but not enough to move a score. */
  below: number;
  /** There is more evidence than one round takes. */
  more: boolean;
}
