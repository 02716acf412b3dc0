/** What a model is for, as far as its id tells. Everything that no rule recognises is `chat`. */
export type ModelKind =
  'chat' | 'completion' | 'embedding' | 'rerank' | 'moderation' | 'speech' | 'image' | 'video' | 'agent';

/** First match wins. A word stands between the ends of the id and `- _ . : / @`. */
const kindRules: ReadonlyArray<readonly [kind: ModelKind, pattern: RegExp]> = [
  ['moderation', word('moderation|llama-guard|guard|prompt-guard|shieldgemma|shield|safeguard')],
  ['rerank', word('rerank|reranker')],
  ['embedding', word('embed|embedding|embeddings|[\\w.]*-embed[\\w.]*|bge|gte|e5|minilm|all-minilm|mxbai')],
  [
    'speech',
    word('tts|whisper|transcribe|transcription|audio|realtime|asr|voice|playai|orpheus|speech|lyria|parakeet'),
  ],
  ['image', word('image|dall|imagen|imagine|flux|flux1|diffusion|sdxl|recraft|ideogram|seedream|banana')],
  ['video', word('sora|veo|video|wan2|hailuo|kling|seedance')],
  // Served by other endpoints than chat completions.
  ['agent', word('deep-research|computer-use|ocr')],
  ['completion', /^(babbage|davinci|text-davinci|gpt-3\.5-turbo-instruct|ada|curie)(-|$)/],
];

function word(alternatives: string): RegExp {
  return new RegExp(`(^|[-_.:/@])(${alternatives})(\\d*)($|[-_.:/@])`, 'i');
}

export function kindOfModelId(id: string): ModelKind {
  return kindRules.find(([, pattern]) => pattern.test(id))?.[0] ?? 'chat';
}

const previewPattern = word('preview|exp|experimental|alpha|beta');

/** Whether the id says that the model is not final: `preview`, `-exp`, `beta`, `alpha`. */
export function isPreviewId(id: string): boolean {
  return previewPattern.test(id);
}

const month = '(?:0[1-9]|1[0-2])';
const day = '(?:0[1-9]|[12]\\d|3[01])';
/** `-2024-08-06` `-20240806` `@20240806` · `-09-2025` · `-0613` (month and day) `-2411` (year and month) · `-001`. */
const datePattern = new RegExp(
  `[-@](20\\d\\d-?${month}-?${day}|${month}-20\\d\\d|${month}${day}|2[3-9]${month}|00\\d)$`,
);

/** The id without the date or the number of a fixed copy at its end; the id itself when it has none. */
export function withoutDate(id: string): string {
  return id.replace(datePattern, '');
}

/** The id without the maker before the last `/`: `openai/gpt-6-sol` → `gpt-6-sol`. */
export function withoutMaker(id: string): string {
  return id.slice(id.lastIndexOf('/') + 1);
}
