/**
 * Learns the prior that comes with the product from public data, and tries it on what it has not seen.
 *
 *     npm run train:prior -- [--data ../shared/data/] [--out src/prediction/prior/]
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { encodePrior } from '../src/prediction/prior.ts';
import { outcomesByComplexity } from './prior/classifier.ts';
import { fitPrior, fitTopics } from './prior/fit-prior.ts';
import { leaveModelsOut, tryOnOtherData } from './prior/held-out.ts';
import { readPublicData } from './prior/public-data.ts';
import { writeReport } from './prior/report.ts';

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: '../shared/data/' },
    out: { type: 'string', default: 'src/prediction/prior/' },
  },
});
const data = pathToFileURL(`${values.data}/`);
const out = pathToFileURL(`${values.out}/`);

if (!existsSync(new URL('llmrouter14/outcomes.jsonl.gz', data))) {
  console.error(`There is no public data in ${values.data}; see src/prediction/prior/report.md for what it is.`);
  process.exit(1);
}
const rows = readPublicData(data);
console.error(`${rows.length} prompts; models are left out in turn …`);
const unknownModels = leaveModelsOut(rows);
console.error('one data set is tried on the other …');
const otherData = tryOnOtherData(rows);
console.error('the prior is learned from all …');
const prior = fitPrior(rows, fitTopics(rows));
const bytes = encodePrior(prior);
const report = writeReport({ rows, prior, bytes, unknownModels, otherData, classified: outcomesByComplexity(rows) });
mkdirSync(out, { recursive: true });
writeFileSync(new URL('prior.bin', out), bytes);
writeFileSync(new URL('report.md', out), report);
console.log(report);
