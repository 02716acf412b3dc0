import { type JsonSchema, type Setting, settings } from './settings.ts';

/** Every key of the configuration file with its kind, default and meaning, as a Markdown table made from the schema. */
export function describeConfig(): string {
  return [
    '| key | kind | default | a change takes effect | meaning |',
    '|---|---|---|---|---|',
    ...settings().map(row),
  ].join('\n');
}

function row({ path, schema, needsRestart }: Setting): string {
  const fallback = schema.default === undefined ? '' : `\`${JSON.stringify(schema.default)}\``;
  const change = needsRestart ? '**at a restart**' : 'at once';
  return `| \`${path}\` | ${kindOf(schema)} | ${fallback} | ${change} | ${schema.description ?? ''} |`;
}

function kindOf(schema: JsonSchema): string {
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${String(value)}\``).join(', ');
  if (schema.type === 'array') return 'list';
  const limits = [schema.minimum, schema.maximum].map((limit) =>
    limit === undefined || Math.abs(limit) >= Number.MAX_SAFE_INTEGER ? '' : String(limit),
  );
  const range = limits.some((limit) => limit !== '') ? ` ${limits.join('…')}` : '';
  return `${schema.type ?? 'any'}${range}`;
}
