import { z } from 'zod';
import { providerNameSchema } from '../../contracts/model.ts';
import { endpoints, providerKinds } from '../providers/definitions.ts';
import { secret } from './marks.ts';

const providerSchema = z.strictObject({
  name: providerNameSchema.describe('How this provider is called in Signalbox; must be unique.'),
  kind: z.enum(providerKinds).describe('Which API it speaks and where its prices are found.'),
  base_url: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Needed for openai-compatible.'),
  base_url_env: z.string().min(1).optional().describe('Name of the environment variable that holds it, instead.'),
  allow_link_local: z
    .boolean()
    .default(false)
    .describe(
      'Takes a link-local address (169.254.0.0/16, fe80::/10), where clouds hand out credentials, as base_url.',
    ),
  api_key: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1).max(100)])
    .optional()
    .describe('Better kept out of the file: see api_key_env; several for keys that are used in turn.')
    .meta(secret),
  api_key_env: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1).max(100)])
    .optional()
    .describe('Name of the environment variable that holds the key; several for keys that are used in turn.'),
  passes: z
    .array(z.enum(endpoints))
    .min(1)
    .optional()
    .describe('Endpoints that it serves itself, where they are others than its kind’s; to all others we translate.'),
  models: z.array(z.string().min(1)).default([]).describe('Models to offer besides those that the provider lists.'),
});
export type ProviderConfig = z.infer<typeof providerSchema>;
export const providersSchema = z.array(providerSchema).max(100).default([]);
