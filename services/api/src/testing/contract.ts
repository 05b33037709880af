import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

type Json = Readonly<Record<string, unknown>>;

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly schema: Json;
}

export interface Operation {
  /** In capitals. */
  readonly method: string;
  /** With `{name}` for each parameter. */
  readonly path: string;
  readonly operationId: string;
  readonly parameters: readonly Parameter[];
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: Json }>> }>
  >;
}

/** The OpenAPI document of a running API, and what it promises of answers. */
export class Contract {
  private readonly ajv = new Ajv2020({ strict: false, allErrors: true });
  private readonly validators = new Map<string, ValidateFunction>();

  private constructor(readonly document: Json) {
    formats.default(this.ajv);
  }

  static async of(url: string): Promise<Contract> {
    const response = await fetch(`${url}/v1/openapi.json`);
    return new Contract((await response.json()) as Json);
  }

  get operations(): readonly Operation[] {
    const paths = this.document['paths'] as Readonly<Record<string, Readonly<Record<string, Operation>>>>;
    return Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ ...operation, path, method: method.toUpperCase() })),
    );
  }

  /** What in an answer is not as the document says, down to a field that it does not know; empty when nothing is. */
  async faultsOf(operation: Operation, response: Response): Promise<readonly string[]> {
    const { operationId, responses } = operation;
    const documented = responses[String(response.status)];
    if (documented === undefined) return [`${operationId} has no answer ${response.status}`];
    const type = response.headers.get('content-type')?.split(';')[0] ?? '';
    const text = await response.text();
    if (documented.content === undefined) return text === '' ? [] : [`${operationId} answers with a body`];
    const schema = documented.content[type]?.schema;
    if (schema === undefined) return [`${operationId} has no ${type} for ${response.status}`];
    const validate = this.validator(`${operationId} ${response.status} ${type}`, schema);
    const valid = validate(type.endsWith('json') ? (JSON.parse(text) as unknown) : text);
    return valid ? [] : (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message ?? ''}`);
  }

  private validator(key: string, schema: Json): ValidateFunction {
    const known = this.validators.get(key);
    if (known !== undefined) return known;
    const compiled = this.ajv.compile(closed({ ...schema, components: this.document['components'] }) as Json);
    this.validators.set(key, compiled);
    return compiled;
  }
}

/** The same schema, of which objects have no more fields than it lists: the document leaves room for later ones, tests don't. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  // A part of an `allOf` sees only its own fields.
  const isWhole = copy['type'] === 'object' && 'properties' in copy && !('additionalProperties' in copy);
  return isWhole ? { ...copy, additionalProperties: false } : copy;
}
