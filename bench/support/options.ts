import { parseArgs } from 'node:util';
import { type CaseName, caseNames } from './cases.ts';
import { type Peer, peers } from './target.ts';

export const usage = `npm run bench:gateway -- [options]

  --requests 4000       of each round that loads a gateway fully
  --rounds 5            of each gateway in turn, after one that is not counted
  --concurrency 32      requests under way in these rounds
  --seconds 2           of each round at a fixed rate
  --cases ${caseNames.join(',')}
  --bodies 1,32,256     sizes in KiB
  --peers ${peers.join(',')}
  --soak 1000000        so many requests of the first case, and how the router's memory grows; nothing else
  --quick               a look within a minute: few requests, two rounds, small bodies
  --json                everything that was measured, instead of tables`;

export interface Options {
  requests: number;
  rounds: number;
  concurrency: number;
  seconds: number;
  cases: CaseName[];
  bodies: number[];
  peers: Peer[];
  /** Requests of the soak; 0 for the comparison instead. */
  soak: number;
  quick: boolean;
  json: boolean;
}

const thorough = { requests: '4000', rounds: '5', seconds: '2', bodies: '1,32,256' };
const quick = { requests: '250', rounds: '2', seconds: '0.3', bodies: '1,32' };

/** What the command line says; null where help is asked for. Throws with one line where something is wrong. */
export function readOptions(): Options | null {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    options: {
      requests: text,
      rounds: text,
      concurrency: { ...text, default: '32' },
      seconds: text,
      cases: { ...text, default: caseNames.join() },
      bodies: text,
      peers: { ...text, default: peers.join() },
      soak: { ...text, default: '0' },
      quick: flag,
      json: flag,
      help: flag,
    },
  });
  if (values.help) return null;
  const given = { ...(values.quick ? quick : thorough), ...values };
  return {
    requests: wholeNumber('requests', given.requests, 1),
    rounds: wholeNumber('rounds', given.rounds, 1),
    concurrency: wholeNumber('concurrency', given.concurrency, 1),
    seconds: positive('seconds', given.seconds),
    cases: names('cases', given.cases, caseNames),
    bodies: given.bodies.split(',').map((size) => wholeNumber('bodies', size, 1)),
    peers: names('peers', given.peers, peers),
    soak: wholeNumber('soak', given.soak, 0),
    quick: values.quick,
    json: values.json,
  };
}

function wholeNumber(name: string, text: string, min: number): number {
  if (/^\d{1,9}$/.test(text) && Number(text) >= min) return Number(text);
  throw new Error(`--${name} must be a whole number from ${min}`);
}

function positive(name: string, text: string): number {
  if (Number(text) > 0 && Number.isFinite(Number(text))) return Number(text);
  throw new Error(`--${name} must be more than 0`);
}

function names<T extends string>(name: string, text: string, known: readonly T[]): T[] {
  return text.split(',').map((given) => {
    const found = known.find((each) => each === given);
    if (found === undefined) throw new Error(`--${name}: ${given} is none of ${known.join(', ')}`);
    return found;
  });
}
