import { z } from 'zod';

/** The configuration in force, as every service answers it. */
export const configAnswerSchema = z.object({
  version: z.int().describe('1 from the start, one more with each change.'),
  loaded_at: z.iso.datetime(),
  file: z.string().nullable(),
  file_hash: z
    .string()
    .nullable()
    .describe('Of the file in force, the first 12 digits of its SHA-256; equal on instances with equal files.'),
  problem: z.string().nullable().describe('Why the newest file is not in force.'),
  needs_restart: z.array(z.string()).describe('Settings of the newest file that wait for a restart.'),
  settings: z.record(z.string(), z.unknown()).describe('In the shape of the file, secrets replaced.'),
});
export type ConfigAnswer = z.infer<typeof configAnswerSchema>;
