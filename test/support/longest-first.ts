import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The files that take longest, the longest first: those that start last must be short, or one process ends long after the other. */
const longest = [
  'test/integration/fuzz/malformed.test.ts',
  'test/integration/postgres/embedded.test.ts',
  'test/e2e/workers.test.ts',
  'test/browser/views.test.ts',
  'test/e2e/processes.test.ts',
  'test/browser/actions.test.ts',
  'test/e2e/race-leaks.test.ts',
  'test/chaos/upgrade-kill.test.ts',
  'test/integration/limits/cli.test.ts',
  'test/e2e/database-away.test.ts',
  'test/chaos/kill.test.ts',
  'src/upgrade/gate/gate.test.ts',
  'test/e2e/upgrade-cli.test.ts',
  'test/e2e/race-cli.test.ts',
  'test/integration/upgrade/engine.test.ts',
  'test/e2e/failures.test.ts',
  'test/integration/router-rollout/canary.test.ts',
  'test/e2e/rollout-router.test.ts',
];

/** Where nothing is remembered of an earlier run, as on a fresh clone, vitest knows only how large files are. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const found = longest.findIndex((file) => moduleId.endsWith(file));
      return found < 0 ? longest.length : found;
    };
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}
