import { Command } from 'commander';
import pc from 'picocolors';
import { changedFields } from '../contracts/audit-changes.ts';
import { type AuditEntry, auditPageSchema, type Author } from '../contracts/audit.ts';
import { callService } from './api-client.ts';
import { configFrom, type ConfigOptions, integer, pointInTime, serviceUrl, withConfigOptions } from './options.ts';
import { print, printable, say, table } from './terminal.ts';

interface AuditOptions extends ConfigOptions {
  action?: string;
  object?: string;
  since?: string;
  until?: string;
  limit: number;
  url?: string;
  json?: boolean;
}

const pageSize = 1000;
const longestCell = 100;

/** `signalbox audit`: what administrators have done. */
export function auditCommand(): Command {
  return withConfigOptions(new Command('audit'))
    .description('what administrators have done, the newest first')
    .option('--action <action>', 'such as key.create, or key for all of keys')
    .option('--object <object>', 'what it was done to: an id or a name')
    .option('--since <when>', 'such as 7d, 12h or 2026-12-31', pointInTime)
    .option('--until <when>', 'the same of the end', pointInTime)
    .option('--limit <number>', 'how many at the most', integer(1, 1_000_000), 100)
    .option('--json', 'the entries as JSON, with what was before and after')
    .option('--url <url>', 'address of central')
    .action(async (options: AuditOptions) => {
      const entries = await fetchEntries(options);
      if (options.json === true) return print(JSON.stringify({ entries }, null, 2));
      const header = ['WHEN (UTC)', 'BY', 'FROM', 'ACTION', 'OBJECT', 'CHANGED'].map((text) => pc.dim(text));
      for (const line of table([header, ...entries.map(toRow)])) print(line);
      say(pc.dim(`${entries.length} entries`));
    });
}

async function fetchEntries(options: AuditOptions): Promise<AuditEntry[]> {
  const config = configFrom(options);
  const url = serviceUrl(config, 'central', options.url);
  const { action, object, since, until, limit } = options;
  const entries: AuditEntry[] = [];
  let before: string | null = null;
  do {
    const wanted = { action, object, since, until, before, limit: String(Math.min(pageSize, limit - entries.length)) };
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(wanted)) if (value != null) query.set(name, value);
    const page = auditPageSchema.parse(await callService(config, `${url}/audit?${query.toString()}`));
    entries.push(...page.entries);
    before = page.next;
  } while (before !== null && entries.length < limit);
  return entries;
}

function toRow({ at, author, action, object, outcome, ...change }: AuditEntry): string[] {
  return [
    at.slice(0, 19).replace('T', ' '),
    printable(nameOf(author)),
    author.address ?? '-',
    outcome === 'done' ? action : `${action} (${outcome})`,
    printable(object),
    printable(describeChange(change)),
  ];
}

function nameOf({ credential, key_name: keyName, told_name: told }: Author): string {
  const who = keyName === null ? credential : `key ${keyName}`;
  return told === null ? who : `${who} (${told})`;
}

/** What differs, as it is now. */
function describeChange({ before, after }: { before: unknown; after: unknown }): string {
  const text = changedFields(before, after)
    .map((change) => `${change.field}=${JSON.stringify(change.after ?? null)}`)
    .join(' ');
  return text.length > longestCell ? `${text.slice(0, longestCell)}…` : text;
}
