import type { EmbeddingsRequest } from '../../../contracts/openai.ts';
import { openAiErrorBody } from '../../../platform/http/error-shapes.ts';
import { createPromptBuilder, type Prompt } from '../../classify/prompt.ts';
import { reportedCostUsd, usageFromEmbeddings } from '../../upstream/usage.ts';
import { readRoutingFields } from '../routing-fields.ts';
import type { Body, RequestReading, Surface } from '../surface.ts';
import { untranslatable } from '../translation.ts';

/** OpenAI's Embeddings. Never translated: vectors of different models cannot be compared. */
export const embeddingsSurface: Surface = {
  name: 'embeddings',
  path: '/embeddings',
  read: readEmbeddings,
  readAnswer: ({ usage, model }) => ({
    isFiltered: false,
    usage: usageFromEmbeddings(usage),
    reportedCostUsd: reportedCostUsd(usage),
    responseModel: typeof model === 'string' ? model : null,
    responseId: null,
    finishReason: null,
  }),
  readEvent: () => false,
  errorBody: openAiErrorBody,
  errorEvent: () => new Uint8Array(),
  translate() {
    throw notTranslated();
  },
  toAnswer() {
    throw notTranslated();
  },
  toEvents() {
    throw notTranslated();
  },
};

const notTranslated = () => untranslatable('model', 'this provider has no embeddings');

function readEmbeddings(value: Body): RequestReading {
  const body = value as EmbeddingsRequest;
  return {
    model: body.model,
    stream: false,
    prompt: promptOf(body.input),
    maxOutputTokens: 0,
    requiredCapabilities: [],
    nativeOnly: 'model',
    ...readRoutingFields(body),
    models: null,
  };
}

/** A token that comes as its number counts as the characters that one stands for on average. */
const charactersPerToken = 4;

function promptOf(input: EmbeddingsRequest['input']): Prompt {
  const builder = createPromptBuilder();
  if (typeof input === 'string') builder.addMessage('user', input);
  let tokenCount = 0;
  for (const entry of typeof input === 'string' ? [] : input) {
    if (typeof entry === 'string') builder.addMessage('user', entry);
    else tokenCount += typeof entry === 'number' ? 1 : entry.length;
  }
  return builder.build(0, tokenCount * charactersPerToken);
}
