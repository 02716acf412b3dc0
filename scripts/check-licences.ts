/**
 * `npm run licences`: whether all that users get, installed or bundled into the dashboard's page, is under a licence that
 * asks for no more than its notice. Needs `npm run build`.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { readProductionLock, root } from './supply/lock-file.ts';

const allowed = new Set(['0BSD', 'Apache-2.0', 'BlueOak-1.0.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT']);
const bundledSchema = z.array(z.object({ name: z.string(), identifier: z.string().nullable() })).min(1);

/** Of several that one may choose from, one is enough. Whatever is written in another way is not allowed. */
function isAllowed(licence: string): boolean {
  const choices = licence.replace(/^\((.*)\)$/, '$1').split(' OR ');
  return choices.some((choice) => allowed.has(choice));
}

const installed = Object.entries(readProductionLock().packages).map(([folder, { license }]) => ({
  name: folder === '' ? 'signalbox' : folder.replace(/^.*node_modules\//, ''),
  licence: license ?? 'none',
}));
const page = bundledSchema.parse(JSON.parse(readFileSync(new URL('dist/web/licences.json', root), 'utf8')));
const all = [...installed, ...page.map(({ name, identifier }) => ({ name, licence: identifier ?? 'none' }))];
const refused = all.filter(({ licence }) => !isAllowed(licence));
for (const { name, licence } of refused) console.error(`${name}: ${licence} is not among the allowed licences`);
if (refused.length > 0) process.exitCode = 1;
else console.log(`licences: ${installed.length} packages and ${page.length} bundled ones are permissive`);
