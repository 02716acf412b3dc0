import { createRandom } from './random.ts';
import { sparseLength, type SparseVector } from './sparse.ts';

const epochs = 5;
const learningRate = 0.5;
/** Gradients below this change nothing that matters, and cost as much as others. */
const negligible = 1e-3;

/**
 * Weights of a multinomial logistic regression of classes on sparse rows, `weights[place · classCount + class]`: stochastic
 * gradients with a rate for each weight (AdaGrad: Duchi, Hazan and Singer 2011), over five passes. Stopping there is what
 * keeps the weights small. `classes` holds a number below `classCount` for each row. Reproducible for a seed.
 */
export function fitSoftmax(
  rows: readonly SparseVector[],
  classes: Int32Array,
  classCount: number,
  seed: number | string,
): Float32Array {
  const random = createRandom(seed);
  const weights = new Float32Array(sparseLength * classCount);
  const squares = new Float32Array(sparseLength * classCount);
  const errors = new Float64Array(classCount);
  const order = Int32Array.from(rows.keys());
  for (let epoch = 0; epoch < epochs; epoch += 1) {
    for (let last = order.length - 1; last > 0; last -= 1) {
      const other = random.int(last + 1);
      const kept = order[last] as number;
      order[last] = order[other] as number;
      order[other] = kept;
    }
    for (const index of order) {
      const row = rows[index] as SparseVector;
      addLogits(row, weights, errors);
      softmax(errors);
      const right = classes[index] as number;
      errors[right] = (errors[right] as number) - 1;
      step(row, errors, weights, squares);
    }
  }
  return weights;
}

function addLogits({ indices, values }: SparseVector, weights: Float32Array, logits: Float64Array): void {
  const count = logits.length;
  logits.fill(0);
  for (let at = 0; at < indices.length; at += 1) {
    const offset = (indices[at] as number) * count;
    const value = values[at] as number;
    for (let c = 0; c < count; c += 1) logits[c] = (logits[c] as number) + value * (weights[offset + c] as number);
  }
}

function step(
  { indices, values }: SparseVector,
  errors: Float64Array,
  weights: Float32Array,
  squares: Float32Array,
): void {
  const count = errors.length;
  const wrong = Int32Array.from(errors.keys()).filter((c) => Math.abs(errors[c] as number) >= negligible);
  for (let at = 0; at < indices.length; at += 1) {
    const offset = (indices[at] as number) * count;
    const value = values[at] as number;
    for (const c of wrong) {
      const gradient = value * (errors[c] as number);
      const square = (squares[offset + c] as number) + gradient * gradient;
      squares[offset + c] = square;
      weights[offset + c] = (weights[offset + c] as number) - (learningRate * gradient) / (Math.sqrt(square) + 1e-4);
    }
  }
}

/** Turns logits into probabilities, in place. */
export function softmax(logits: Float64Array): void {
  let greatest = -Infinity;
  for (const logit of logits) if (logit > greatest) greatest = logit;
  let sum = 0;
  for (let c = 0; c < logits.length; c += 1) {
    const value = Math.exp((logits[c] as number) - greatest);
    logits[c] = value;
    sum += value;
  }
  for (let c = 0; c < logits.length; c += 1) logits[c] = (logits[c] as number) / sum;
}
