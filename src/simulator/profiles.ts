import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import { messageOf, StartupError } from '../platform/core/errors.ts';
import { defaultProfiles } from './default-profiles.ts';
import { baseProfile, type ModelProfile, profileSchema } from './profile.ts';

/** What is different of one model; what a new one leaves out is `baseProfile`'s. */
export const profileChangesSchema = profileSchema.partial().required({ id: true });
export type ProfileChanges = z.infer<typeof profileChangesSchema>;

/** `models` changes default profiles of the same id and adds new ones. */
const profilesFileSchema = z.strictObject({
  /** False: only the models of this file. */
  defaults: z.boolean().default(true),
  models: z.array(profileChangesSchema).min(1).max(500),
});

/**
 * Reads the text of a profiles file (YAML or JSON): the default profiles with the file's changes and additions.
 * `StartupError` with the path of what is wrong; `source` names the file in it.
 */
export function parseProfiles(text: string, source: string): ModelProfile[] {
  let document: unknown;
  try {
    document = parse(text);
  } catch (error) {
    throw new StartupError(`${source}: not YAML: ${messageOf(error)}`, { cause: error });
  }
  const parsed = profilesFileSchema.safeParse(document);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new StartupError(`${source}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`);
  }
  const profiles = new Map(parsed.data.defaults ? defaultProfiles.map((profile) => [profile.id, profile]) : []);
  for (const changes of parsed.data.models) {
    const known = profiles.get(changes.id) ?? baseProfile(changes.id);
    profiles.set(changes.id, { ...known, ...changes });
  }
  return [...profiles.values()];
}

/** Reads a profiles file; `StartupError` if it cannot be read or is invalid. */
export async function loadProfiles(file: string): Promise<ModelProfile[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new StartupError(`cannot read the profiles: ${messageOf(error)}`, { cause: error });
  }
  return parseProfiles(text, file);
}
