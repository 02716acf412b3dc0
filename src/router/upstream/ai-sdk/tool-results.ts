import type {
  LanguageModelV3FilePart,
  LanguageModelV3Message,
  LanguageModelV3ToolResultOutput,
  LanguageModelV3ToolResultPart,
} from '@ai-sdk/provider';

type Content = Extract<LanguageModelV3ToolResultOutput, { type: 'content' }>['value'];
type ToolMessage = Extract<LanguageModelV3Message, { role: 'tool' }>;

/**
 * For providers whose tools answer in text alone, as in OpenAI's chat completions: the images of the results follow in a
 * message of the user.
 */
export function withTextResults(prompt: readonly LanguageModelV3Message[]): LanguageModelV3Message[] {
  return prompt.flatMap((message): LanguageModelV3Message[] => {
    if (message.role !== 'tool') return [message];
    const images: LanguageModelV3FilePart[] = [];
    const content = message.content.map((part) => (part.type === 'tool-result' ? withTextResult(part, images) : part));
    const results: ToolMessage = { ...message, content };
    return images.length === 0 ? [results] : [results, { role: 'user', content: images }];
  });
}

function withTextResult(
  part: LanguageModelV3ToolResultPart,
  images: LanguageModelV3FilePart[],
): LanguageModelV3ToolResultPart {
  if (part.output.type !== 'content') return part;
  const texts = part.output.value.map((inner) => {
    if (inner.type === 'text') return inner.text;
    const image = imageOf(inner);
    if (image === null) return JSON.stringify(inner);
    images.push(image);
    return '(an image, which follows)';
  });
  return { ...part, output: { type: 'text', value: texts.join('\n') } };
}

function imageOf(inner: Content[number]): LanguageModelV3FilePart | null {
  if (inner.type === 'image-data') return { type: 'file', mediaType: inner.mediaType, data: inner.data };
  return inner.type === 'image-url' ? { type: 'file', mediaType: 'image/*', data: new URL(inner.url) } : null;
}
