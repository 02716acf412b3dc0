import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type ErrorObject, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { parse } from 'yaml';

const file = path.resolve(import.meta.dirname, '../../../shared/data/openai-openapi/openapi.yaml.gz');

/** OpenAI's own description of its API lies beside some checkouts; it is too large to be part of this one. */
export const hasOpenAiDescription = existsSync(file);
export const openAiDescriptionFile = file;

type Json = Record<string, unknown>;

export interface OpenAiDescription {
  /** What is wrong with the value by one of the description's schemas; empty where nothing is. */
  problems(schema: string, value: unknown): string[];
  /** The same of an event in a stream of responses, by the schema of its type. */
  problemsOfEvent(event: Json): string[];
}

export function loadOpenAiDescription(): OpenAiDescription {
  const text = gunzipSync(readFileSync(file)).toString('utf8');
  const { components } = parse(text, { maxAliasCount: -1, logLevel: 'silent' }) as { components: { schemas: Json } };
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  formats.default(ajv);
  ajv.addFormat('unixtime', true);
  ajv.addSchema({ $id: 'openai', components: adapt(components) as Json });
  const compiled = new Map<string, ValidateFunction>();

  function problems(schema: string, value: unknown): string[] {
    let validate = compiled.get(schema);
    if (validate === undefined) {
      validate = ajv.compile({ $ref: `openai#/components/schemas/${schema}` });
      compiled.set(schema, validate);
    }
    return validate(value) ? [] : (validate.errors ?? []).map(describeError);
  }

  const schemaOfEvent = eventSchemas(components.schemas);
  return {
    problems,
    problemsOfEvent(event) {
      const schema = schemaOfEvent.get(String(event['type']));
      return schema === undefined ? [`${String(event['type'])} is no event`] : problems(schema, event);
    },
  };
}

function describeError({ instancePath, message, params }: ErrorObject): string {
  return `${instancePath} ${message ?? ''} ${JSON.stringify(params)}`;
}

/** What the description takes from older versions of OpenAPI, in the words of JSON Schema. */
function adapt(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(adapt);
  if (typeof value !== 'object' || value === null) return value;
  const { nullable, discriminator: _, oneOf, ...rest } = value as Json;
  const adapted = Object.fromEntries(Object.entries(rest).map(([key, inner]) => [key, adapt(inner)]));
  // Its alternatives overlap, and only the discriminator that JSON Schema does not know tells them apart.
  if (Array.isArray(oneOf)) adapted['anyOf'] = adapt(oneOf);
  else if (oneOf !== undefined) adapted['oneOf'] = adapt(oneOf);
  return nullable === true ? { anyOf: [adapted, { type: 'null' }] } : adapted;
}

/** The name of each event's schema by its type. */
function eventSchemas(schemas: Json): Map<string, string> {
  const { anyOf } = schemas['ResponseStreamEvent'] as { anyOf: { $ref: string }[] };
  return new Map(
    anyOf.flatMap(({ $ref }) => {
      const name = $ref.slice($ref.lastIndexOf('/') + 1);
      const { properties } = schemas[name] as { properties?: { type?: { enum?: string[] } } };
      return (properties?.type?.enum ?? []).map((type) => [type, name] as const);
    }),
  );
}
