/**
 * `npm run audit`: whether a weakness of severity high or critical is known of what users install. Where the registry does
 * not answer this, it says so and does not fail: whoever has no network can still check everything else.
 */
import { spawnSync } from 'node:child_process';
import { z } from 'zod';

const answerSchema = z.object({
  metadata: z.object({ vulnerabilities: z.record(z.string(), z.int()) }),
});

const args = ['audit', '--omit=dev', '--audit-level=high', '--json'];
const { stdout, status } = spawnSync('npm', args, { encoding: 'utf8', timeout: 60_000 });
const answer = answerSchema.safeParse(parse(stdout));
if (!answer.success) {
  console.warn('audit: NOT DONE, the registry does not say what weaknesses are known');
} else {
  const { total = 0, ...bySeverity } = answer.data.metadata.vulnerabilities;
  const found = Object.entries(bySeverity).filter(([, count]) => count > 0);
  console.log(
    `audit: ${total} known weaknesses ${found.map(([severity, count]) => `${count} ${severity}`).join(', ')}`,
  );
  if (status !== 0) {
    console.error('npm audit --omit=dev says which');
    process.exitCode = 1;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
