import type { ConfigState } from '../config/live.ts';
import type { Config } from '../config/load.ts';

/** What a worker is configured with. */
export interface WorkerConfig {
  config: Config;
  state: ConfigState;
}

/** What the primary tells a worker. */
export type ToWorker =
  /** Sent first, and again after each change. */
  { type: 'config'; config: WorkerConfig } | { type: 'stop' } | { type: 'metrics'; id: number; text: string | null };

/** What a worker tells the primary. */
export type FromWorker =
  /** It takes requests. */
  | { type: 'started'; port: number }
  /** It could not start, and ends. */
  | { type: 'refused'; reason: string }
  /** It was asked for the metrics of all workers. */
  | { type: 'metrics'; id: number };
