import { z } from 'zod';
import { configSchema } from './schema.ts';

/** The parts of JSON Schema that the configuration's has, and what is marked in ours. */
export interface JsonSchema {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  minimum?: number;
  maximum?: number;
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  restart?: boolean;
  secret?: boolean;
}

/** One key of the configuration file. */
export interface Setting {
  /** Such as `routing.weights.cost`; in a list of objects `providers[].name`. */
  path: string;
  schema: JsonSchema;
  /** A change is taken by a restart alone. */
  needsRestart: boolean;
  /** Is never shown. */
  isSecret: boolean;
}

let known: readonly Setting[] | undefined;

/** All of them, in the order of the schema; read from it when they are first asked for, which few commands do. */
export function settings(): readonly Setting[] {
  known ??= settingsOf(z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as JsonSchema);
  return known;
}

function settingsOf(schema: JsonSchema, parent = '', restart = false): Setting[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    const path = parent === '' ? name : `${parent}.${name}`;
    const needsRestart = restart || property.restart === true;
    const setting = { path, schema: property, needsRestart, isSecret: property.secret === true };
    if (property.properties !== undefined) return settingsOf(property, path, needsRestart);
    if (property.items?.properties === undefined) return [setting];
    return [setting, ...settingsOf(property.items, `${path}[]`, needsRestart)];
  });
}
