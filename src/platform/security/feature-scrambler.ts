import { createCipheriv, createHash, hkdfSync } from 'node:crypto';

/** Makes of features, which are public hashes of words, numbers that say nothing to whoever lacks the secret. */
export interface FeatureScrambler {
  /** Names the secret without telling it: features of another secret cannot be read with this one. */
  readonly key: string;
  /** Of features that are each there once: a number for each, rising, so that their order tells nothing. */
  scramble(features: Uint16Array): number[];
  /** The features of which `scramble` made these numbers, in no order. */
  unscramble(numbers: readonly number[]): Uint16Array;
}

const featureCount = 65_536;

/**
 * A secret permutation of the numbers below 65,536. Whoever knows `salt` and, where there is one, the master key can guess
 * words and see whether they were there; others cannot.
 */
export function createFeatureScrambler(salt: string, masterKey: string | undefined): FeatureScrambler {
  const secret = Buffer.from(hkdfSync('sha256', masterKey ?? '', salt, 'signalbox features', 32));
  const forward = permutation(secret);
  const backward = new Uint16Array(featureCount);
  for (const [feature, number] of forward.entries()) backward[number] = feature;
  return {
    key: createHash('sha256').update(secret).digest('hex').slice(0, 8),
    scramble: (features) => rising(features, forward),
    unscramble: (numbers) => Uint16Array.from(numbers, (number) => backward[number] as number),
  };
}

/** A bit for each number; all 0 between calls. */
const marks = new Int32Array(featureCount / 32);

/** The numbers that features become, rising. By marks instead of sorting, which would be a tenth of a request. */
function rising(features: Uint16Array, forward: Uint16Array): number[] {
  for (const feature of features) {
    const number = forward[feature] as number;
    marks[number >>> 5] = (marks[number >>> 5] as number) | (1 << (number & 31));
  }
  const numbers: number[] = [];
  for (let word = 0; word < marks.length; word += 1) {
    let bits = marks[word] as number;
    if (bits === 0) continue;
    marks[word] = 0;
    while (bits !== 0) {
      const lowest = bits & -bits;
      numbers.push(32 * word + 31 - Math.clz32(lowest));
      bits ^= lowest;
    }
  }
  return numbers;
}

/** Fisher and Yates' shuffle, with AES in counter mode as the source of numbers. */
function permutation(secret: Buffer): Uint16Array {
  const random = createCipheriv('aes-256-ctr', secret, Buffer.alloc(16)).update(Buffer.alloc(4 * featureCount));
  const numbers = Uint16Array.from({ length: featureCount }, (_, index) => index);
  for (let last = featureCount - 1; last > 0; last -= 1) {
    // Of 32 bits, so that no place is likelier than another by more than 1 in 65,536.
    const other = random.readUInt32LE(4 * last) % (last + 1);
    const kept = numbers[last] as number;
    numbers[last] = numbers[other] as number;
    numbers[other] = kept;
  }
  return numbers;
}
