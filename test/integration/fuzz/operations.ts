import type { ServiceName } from '../../../src/contracts/api.ts';

/** JSON Schema as far as our OpenAPI documents use it. */
export interface Schema {
  type?: 'string' | 'integer' | 'number' | 'boolean' | 'array' | 'object';
  nullable?: boolean;
  enum?: readonly unknown[];
  format?: string;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  items?: Schema;
  minItems?: number;
  maxItems?: number;
  properties?: Readonly<Record<string, Schema>>;
  required?: readonly string[];
  anyOf?: readonly Schema[];
}

export interface Parameter {
  name: string;
  in: 'path' | 'query';
  schema: Schema;
}

/** One endpoint as a service describes it. */
export interface Operation {
  service: ServiceName;
  origin: string;
  method: string;
  /** With parameters in braces, such as `/models/{id}`. */
  path: string;
  parameters: readonly Parameter[];
  body: Schema | null;
  /** True where every service has it, from the same code. */
  shared: boolean;
}

interface OpenApiDocument {
  paths: Record<
    string,
    Record<
      string,
      {
        tags?: readonly string[];
        parameters?: readonly Parameter[];
        requestBody?: { content: Record<string, { schema: Schema } | undefined> };
      }
    >
  >;
}

/** Every endpoint of the service that listens on `port`, from its own description. */
export async function readOperations(service: ServiceName, port: number): Promise<Operation[]> {
  const origin = `http://127.0.0.1:${port}`;
  const response = await fetch(`${origin}/openapi.json`);
  const { paths } = (await response.json()) as OpenApiDocument;
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, description]) => ({
      service,
      origin,
      method: method.toUpperCase(),
      path,
      parameters: description.parameters ?? [],
      body: description.requestBody?.content['application/json']?.schema ?? null,
      shared: description.tags?.includes('operations') ?? false,
    })),
  );
}
