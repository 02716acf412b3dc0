/**
 * Which of some parts a prompt is in, from 0 to `parts` − 1, by what it is made of: copies of a prompt, of which traffic has
 * many, are all in the same part, so that what is learned of the others has not seen them.
 */
export function partOf(features: Uint16Array, parts: number): number {
  let sum = 0;
  for (const feature of features) sum = (sum + Math.imul(feature + 1, 0x9e3779b1)) | 0;
  return ((sum ^ (sum >>> 15)) >>> 0) % parts;
}
