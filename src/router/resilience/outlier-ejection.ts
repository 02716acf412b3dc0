import {
  type CallOutcome,
  type Circuit,
  type CircuitCheck,
  type CircuitOptions,
  type CircuitState,
  createCircuit,
} from './circuit.ts';
import { deleteWhere, entryOf, maxStates } from './target-map.ts';

/** A circuit for each target, made with its first success or failure. See `circuit.ts` for the rules. */
export interface OutlierEjection {
  check(target: string, nowMs: number): CircuitCheck;
  begin(target: string, nowMs: number): void;
  record(target: string, outcome: CallOutcome, startedAtMs: number, nowMs: number): void;
  pause(target: string, durationMs: number, nowMs: number): void;
  state(target: string, nowMs: number): CircuitState;
  /** Begins anew with the targets for which `matches` holds. */
  forget(matches: (target: string) => boolean): void;
  /** Those that are not closed, at most 200. */
  states(nowMs: number): EjectionState[];
}

export interface EjectionState extends CircuitState {
  target: string;
}

const unknown: CircuitState = { status: 'closed', untilMs: null, ejections: 0 };

export function createOutlierEjection(options: () => CircuitOptions): OutlierEjection {
  const circuits = new Map<string, Circuit>();
  const create = (): Circuit => createCircuit(options);

  return {
    check: (target, nowMs) => circuits.get(target)?.check(nowMs) ?? 'closed',

    begin: (target, nowMs) => circuits.get(target)?.begin(nowMs),

    record(target, outcome, startedAtMs, nowMs) {
      // What says nothing makes no entry: clients can ask for models that do not exist under any number of names.
      const circuit = outcome === 'neutral' ? circuits.get(target) : entryOf(circuits, target, create);
      circuit?.record(outcome, startedAtMs, nowMs);
    },

    pause: (target, durationMs, nowMs) => entryOf(circuits, target, create).pause(durationMs, nowMs),

    state: (target, nowMs) => circuits.get(target)?.state(nowMs) ?? unknown,

    forget: (matches) => deleteWhere(circuits, matches),

    states(nowMs) {
      const states: EjectionState[] = [];
      for (const [target, circuit] of circuits) {
        const state = circuit.state(nowMs);
        if (state.status !== 'closed') states.push({ target, ...state });
        if (states.length === maxStates) break;
      }
      return states;
    },
  };
}
