import { type ServiceName, serviceNameSchema } from '../../../src/contracts/api.ts';

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
  /** How many are answered by the same code: every service has it, or there are others beside it that take the same. */
  sharedBy: number;
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
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { tags, parameters = [], requestBody }]) => {
      const body = requestBody?.content['application/json']?.schema ?? null;
      const isEverywhere = tags?.includes('operations') ?? false;
      return { service, origin, method: method.toUpperCase(), path, parameters, body, isEverywhere };
    }),
  );
  const kindOf = ({ method, path, parameters, body }: (typeof operations)[number]): string =>
    JSON.stringify([method, path.slice(0, path.lastIndexOf('/')), parameters, body]);
  return operations.map(({ isEverywhere, ...operation }) => ({
    ...operation,
    sharedBy: isEverywhere
      ? serviceNameSchema.options.length
      : operations.filter((other) => kindOf(other) === kindOf({ ...operation, isEverywhere })).length,
  }));
}
