import { z } from 'zod';
import { routingFields } from './openai.ts';

/** Anthropic's Messages request as far as Signalbox reads it; everything else passes through untouched. */
const contentBlockSchema = z.looseObject({ type: z.string().min(1).max(64) });
export type ContentBlock = z.infer<typeof contentBlockSchema>;

const contentSchema = z.union([z.string(), z.array(contentBlockSchema).max(10_000)]);

export const anthropicMessageSchema = z.looseObject({
  role: z.enum(['user', 'assistant', 'system']),
  content: contentSchema,
});
export type AnthropicMessage = z.infer<typeof anthropicMessageSchema>;

const messagesFields = {
  model: z.string().min(1).max(200),
  messages: z.array(anthropicMessageSchema).min(1).max(100_000),
  system: contentSchema.nullish(),
  tools: z
    .array(z.looseObject({ name: z.string().min(1).max(256).optional() }))
    .max(10_000)
    .nullish(),
  ...routingFields,
};

export const messagesRequestSchema = z.looseObject({
  ...messagesFields,
  max_tokens: z.int().min(1),
  stream: z.boolean().nullish(),
});
export type MessagesRequest = z.infer<typeof messagesRequestSchema>;

/** Body of `POST /v1/messages/count_tokens`. */
export const countTokensRequestSchema = z.looseObject(messagesFields);
export type CountTokensRequest = z.infer<typeof countTokensRequestSchema>;
