/** The places of the texts most alike to a text, the nearest first. */
export type Neighbours = (text: string) => number[];

/**
 * Finds the `count` texts with the greatest cosine to another, words weighted by TF-IDF: the usual baseline of a router that
 * learns from examples. Texts that share no word are no neighbours.
 */
export function createNeighbours(texts: readonly string[], count: number): Neighbours {
  const places = new Map<string, number>();
  const postings: Array<{ texts: number[]; weights: number[] }> = [];
  for (const [index, text] of texts.entries()) {
    for (const [word, times] of countWords(text)) {
      const place = places.get(word) ?? postings.length;
      places.set(word, place);
      const posting = (postings[place] ??= { texts: [], weights: [] });
      posting.texts.push(index);
      posting.weights.push(1 + Math.log(times));
    }
  }
  const rarities = postings.map(({ texts: having }) => 1 + Math.log((1 + texts.length) / (1 + having.length)));
  const lengths = new Float64Array(texts.length);
  for (const [place, { texts: having, weights }] of postings.entries()) {
    for (const [at, index] of having.entries()) {
      const weight = (weights[at] as number) * (rarities[place] as number);
      weights[at] = weight;
      lengths[index] = (lengths[index] as number) + weight * weight;
    }
  }

  const cosines = new Float64Array(texts.length);
  return (text) => {
    cosines.fill(0);
    for (const [word, times] of countWords(text)) {
      const place = places.get(word);
      if (place === undefined) continue;
      const { texts: having, weights } = postings[place] as (typeof postings)[number];
      const own = (1 + Math.log(times)) * (rarities[place] as number);
      for (let at = 0; at < having.length; at += 1) {
        const index = having[at] as number;
        cosines[index] = (cosines[index] as number) + own * (weights[at] as number);
      }
    }
    const found: number[] = [];
    for (let index = 0; index < cosines.length; index += 1) {
      if (cosines[index] === 0) continue;
      cosines[index] = (cosines[index] as number) / Math.sqrt(lengths[index] as number);
      found.push(index);
    }
    return found.sort((a, b) => (cosines[b] as number) - (cosines[a] as number) || a - b).slice(0, count);
  };
}

function countWords(text: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}
