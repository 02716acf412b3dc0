import { z } from 'zod';
import { configSchema } from './schema.ts';

interface JsonSchema {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  minimum?: number;
  maximum?: number;
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
}

/** Every key of the configuration file with its kind, default and meaning, as a Markdown table made from the schema. */
export function describeConfig(): string {
  const schema = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  const rows = describe(schema, '');
  return ['| key | kind | default | meaning |', '|---|---|---|---|', ...rows].join('\n');
}

function describe(schema: JsonSchema, path: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    const key = path === '' ? name : `${path}.${name}`;
    if (property.properties !== undefined) return describe(property, key);
    if (property.items?.properties !== undefined) {
      return [row(key, 'list', property), ...describe(property.items, `${key}[]`)];
    }
    return [row(key, kindOf(property), property)];
  });
}

function row(key: string, kind: string, schema: JsonSchema): string {
  const fallback = schema.default === undefined ? '' : `\`${JSON.stringify(schema.default)}\``;
  return `| \`${key}\` | ${kind} | ${fallback} | ${schema.description ?? ''} |`;
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
