/** What one round of learning came to. */
export interface LearnResult {
  /** Cells with new evidence that were learned from. */
  cells: number;
  /** Scores that changed and were published. */
  published: number;
  /** Cells with some evidence, but not enough to move a score. */
  below: number;
  /** Cells whose model has changed, for the worse or the better. */
  alarms: ReadonlyArray<{ model: string; complexity: string; change: 'worse' | 'better' }>;
  /** There is more evidence than one round takes. */
  more: boolean;
}
