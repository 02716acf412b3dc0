import { readFileSync } from 'node:fs';
import { z } from 'zod';

const packageSchema = z.looseObject({
  version: z.string().optional(),
  license: z.string().optional(),
  dev: z.boolean().optional(),
});
const lockSchema = z.looseObject({ packages: z.record(z.string(), packageSchema) });

export const root = new URL('../../', import.meta.url);

/** The lock file without what only development needs: what users install, for all platforms. */
export function readProductionLock(): z.infer<typeof lockSchema> {
  const lock = lockSchema.parse(JSON.parse(readFileSync(new URL('package-lock.json', root), 'utf8')));
  return {
    ...lock,
    packages: Object.fromEntries(Object.entries(lock.packages).filter(([, found]) => found.dev !== true)),
  };
}
