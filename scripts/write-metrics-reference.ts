// Writes docs/metrics.md from the definitions of the metrics.
import { readFileSync, writeFileSync } from 'node:fs';
import { describeMetrics } from '../src/platform/telemetry/reference.ts';

const page = new URL('../docs/metrics.md', import.meta.url);
const marker = '<!-- Made by `npm run docs:metrics` from src/platform/telemetry/definitions. -->';
const [introduction = ''] = readFileSync(page, 'utf8').split(marker);
writeFileSync(page, `${introduction}${marker}\n\n${describeMetrics()}\n`);
