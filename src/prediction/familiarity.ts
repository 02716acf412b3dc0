/** By how much models differ from topic to topic. */
export interface TopicContrasts {
  /** By how much better a model is on a topic than it usually is, beyond what all are there: `model · topics + topic`. */
  readonly contrasts: Float32Array;
  /** Variance of the contrasts over topics, summed over models. */
  readonly spread: number;
}

/** `modelMeans` and `topicMeans` as a predictor has them. Pure. */
export function contrastsOf(topics: number, modelMeans: Float32Array, topicMeans: Float32Array): TopicContrasts {
  const models = modelMeans.length;
  const contrasts = topicMeans.map((mean, cell) => mean - (modelMeans[Math.floor(cell / topics)] as number));
  for (let topic = 0; topic < topics; topic += 1) {
    let ease = 0;
    for (let model = 0; model < models; model += 1) ease += (contrasts[model * topics + topic] as number) / models;
    for (let model = 0; model < models; model += 1) {
      contrasts[model * topics + topic] = (contrasts[model * topics + topic] as number) - ease;
    }
  }
  return { contrasts, spread: varianceOf(contrasts, new Float64Array(topics).fill(1 / topics)) };
}

/** A prompt that is spread over no more topics than this is of a kind that was seen. */
const familiarTopics = 2;
/** Less is what rounding leaves of means that do not differ. */
const leastSpread = 1e-9;

/**
 * How much it is known of a prompt which models do better on it than usual, from 0 to 1, by the topics that it is of. Either
 * it is of few: their number is the inverse Simpson index, 1 / Σ shares², which is n where n topics have equal shares (E. H.
 * Simpson, Nature 163, 1949). Or those that it is of agree about the models: the variance of the contrasts among them is small
 * against that among all topics. Of a prompt that is of all topics alike, nothing is known. Pure.
 */
export function familiarityOf(shares: Float64Array, { contrasts, spread }: TopicContrasts): number {
  if (shares.length <= familiarTopics || spread < leastSpread) return 1;
  let concentration = 0;
  for (const share of shares) concentration += share * share;
  const least = 1 / shares.length;
  const fewness = (concentration - least) / (1 / familiarTopics - least);
  if (fewness >= 1) return 1;
  const agreement = 1 - varianceOf(contrasts, shares) / spread;
  return Math.min(1, Math.max(fewness, agreement, 0));
}

/** Of each model's contrasts among topics that count by their shares, summed over models. */
function varianceOf(contrasts: Float32Array, shares: Float64Array): number {
  const topics = shares.length;
  let variance = 0;
  for (let first = 0; first < contrasts.length; first += topics) {
    let mean = 0;
    let square = 0;
    for (let topic = 0; topic < topics; topic += 1) {
      const contrast = contrasts[first + topic] as number;
      const part = (shares[topic] as number) * contrast;
      mean += part;
      square += part * contrast;
    }
    variance += square - mean * mean;
  }
  return variance;
}
