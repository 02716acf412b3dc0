import type { Complexity, QueryType } from '../../contracts/query-class.ts';
import type { Outcomes } from './posterior.ts';

/** Outcomes of one part of a cell, as the consumer gathered them: same model, complexity, kind, provider and instance. */
export interface Evidence extends Outcomes {
  model: string;
  complexity: Complexity;
  queryType: QueryType | null;
  provider: string;
  instanceId: string;
  /** Requests that this stands for, whatever they are worth as evidence. */
  requests: number;
  responseTimes: number;
  responseTimeSumMs: number;
}

export const partKinds = ['instance', 'provider', 'query_type'] as const;
export type PartKind = (typeof partKinds)[number];

/** A cell as a part sees it. */
export interface Part extends Outcomes {
  kind: PartKind;
  value: string;
  /** CUSUM towards more failures than the cell has; of instances only. */
  worse: number;
  /** An instance that fails where the others do not: what it sees is its own trouble, and counts for itself alone. */
  isOutlier: boolean;
}
