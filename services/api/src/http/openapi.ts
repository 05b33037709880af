import { z } from 'zod';
import { component, componentId, componentRegistry } from './components.js';
import { EVENT_STREAM, JSON_TYPE, type Answer, type Endpoint } from './endpoint.js';
import { wireForms } from './parameters.js';
import { PROBLEM_TYPE, problemKinds, problemSchema, type ParameterPlace, type ProblemCode } from './problem.js';

export type Json = Readonly<Record<string, unknown>>;

/** What is broken in a request, or in the service. */
const commonProblems: readonly ProblemCode[] = ['malformed_request', 'headers_too_large', 'internal'];
/** Of whoever asks. */
const callerProblems: readonly ProblemCode[] = ['invalid_token', 'rate_limited', 'storage_unavailable'];
const accessProblems: readonly ProblemCode[] = ['sign_in_required', 'not_permitted'];

/** The extension that says which scope an endpoint asks for. */
export const ACCESS = 'x-laurel-access';
/** The extension that says which parameter names the person whose figures are shown. */
export const LOOKS_AT = 'x-laurel-looks-at';

const PROBLEM = 'Problem';
component(PROBLEM, problemSchema);
const COMPONENTS = '#/components/schemas/';
/** The id, while it is converted, of a schema that has none. */
const THIS = '(this)';

/** The API as an OpenAPI 3.1 document (spec.openapis.org/oas/v3.1.1), of which the schemas are JSON Schema 2020-12. */
export function openApiDocument(endpoints: readonly Endpoint[], version: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const endpoint of [...endpoints].sort(byPath)) {
    const path = openApiPath(endpoint.description.path);
    (paths[path] ??= {})[endpoint.method.toLowerCase()] = operation(endpoint);
  }
  const tags = [...new Set(endpoints.map(({ description: { tag } }) => tag))];
  return {
    openapi: '3.1.1',
    info: {
      title: 'Laurel',
      version,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      description: `An honest leaderboard of AI token usage. Figures are volume, as publishers reported it; they say nothing about anybody’s work.

- Whole numbers that may pass 2^53 are texts of decimal digits. Times are RFC 3339 in UTC, days are UTC days.
- People are shown as they chose at the moment of the answer; who is hidden is in no answer.
- Each endpoint asks for a scope (\`x-laurel-access\`), which a role or a token grants. No role sees more of a person than they let be seen.
- Answers have an ETag; \`If-None-Match\` is answered with 304. Tables (\`Accept: text/csv\`) need \`export:all\`, or \`export:team\` for one’s own teams.
- Every failure is a problem (RFC 9457) with a closed \`code\`. Every answer has an \`X-Request-Id\`.
- Answers may get more fields, and problems more codes, within a version. A reader ignores what it does not know.`,
    },
    tags: tags.map((name) => ({ name })),
    paths,
    components: {
      schemas: componentSchemas(),
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'of a program: `laurel tokens create`' },
        session: { type: 'apiKey', in: 'cookie', name: 'laurel-session', description: 'of a person: `/auth/login`' },
      },
    },
  };
}

export const openApiPath = (path: string): string => path.replace(/:(\w+)/g, '{$1}');

const byPath = (a: Endpoint, b: Endpoint): number => (a.description.path < b.description.path ? -1 : 1);

function operation(endpoint: Endpoint): Json {
  const { id, tag, summary, description, access, looksAt, answer, otherAnswers = [], problems } = endpoint.description;
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    [ACCESS]: access,
    ...(looksAt === undefined ? {} : { [LOOKS_AT]: looksAt }),
    ...(access === 'public' ? {} : { security: [{ token: [] }, { session: [] }] }),
    parameters: Object.entries(endpoint.shapes).flatMap(([place, shape]) =>
      place === 'body'
        ? []
        : Object.entries(shape).map(([name, schema]) =>
            parameter(place as ParameterPlace, name, schema as unknown as z.ZodType),
          ),
    ),
    ...(endpoint.shapes.body === undefined ? {} : { requestBody: requestBody(endpoint.shapes.body) }),
    responses: {
      ...Object.fromEntries([answer, ...otherAnswers].map((one) => [String(one.status ?? 200), response(one)])),
      ...(isValidated(endpoint) ? { '304': { description: 'It is as the ETag in If-None-Match says' } } : {}),
      ...problemResponses([
        ...commonProblems,
        ...(endpoint.description.isProbe === true ? [] : callerProblems),
        ...(access === 'public' ? [] : accessProblems),
        ...(endpoint.method === 'GET' ? [] : (['csrf_refused'] as const)),
        ...(Object.keys(endpoint.shapes).length === 0 ? [] : (['invalid_parameter'] as const)),
        ...problems,
      ]),
    },
  };
}

function response({ description, content }: Answer): Json {
  const types = Object.entries(content).map(([type, schema]) => [type, { schema: answerSchema(type, schema) }]);
  return {
    description,
    headers: { 'X-Request-Id': { description: 'stands in the log too', schema: { type: 'string' } } },
    ...(types.length === 0 ? {} : { content: Object.fromEntries(types) }),
  };
}

function parameter(place: ParameterPlace, name: string, schema: z.ZodType): Json {
  const { description, ...form } = schemaOf(schema, 'input');
  return {
    name,
    in: place,
    required: !schema.safeParse(undefined).success,
    ...(description === undefined ? {} : { description }),
    schema: form,
  };
}

const requestBody = (shape: z.ZodRawShape): Json => ({
  required: true,
  content: { [JSON_TYPE]: { schema: schemaOf(z.strictObject(shape), 'input') } },
});

function answerSchema(type: string, schema: z.ZodType): Json {
  const id = componentId(schema);
  if (id !== undefined && type === JSON_TYPE) return { $ref: COMPONENTS + id };
  return schemaOf(schema, 'output');
}

/** One response for each status, with the codes that it may have. */
function problemResponses(codes: readonly ProblemCode[]): Json {
  const statuses = [...new Set(codes.map((code) => problemKinds[code].status))].sort((a, b) => a - b);
  return Object.fromEntries(
    statuses.map((status) => {
      const own = [...new Set(codes)].filter((code) => problemKinds[code].status === status);
      return [
        String(status),
        {
          description: own.map((code) => `\`${code}\`: ${problemKinds[code].title}`).join('. '),
          content: {
            [PROBLEM_TYPE]: {
              schema: { allOf: [{ $ref: COMPONENTS + PROBLEM }, { properties: { code: { enum: own } } }] },
            },
          },
        },
      ];
    }),
  );
}

const options = (io: 'input' | 'output') =>
  ({
    io,
    // What a client writes is said by `wireForms` where it differs from what is read.
    unrepresentable: io === 'input' ? 'any' : 'throw',
    override: ({
      zodSchema,
      jsonSchema,
    }: {
      readonly zodSchema: z.core.$ZodType;
      jsonSchema: Record<string, unknown>;
    }) => {
      const form = wireForms.get(zodSchema as z.ZodType);
      if (form !== undefined) {
        for (const key of Object.keys(jsonSchema)) Reflect.deleteProperty(jsonSchema, key);
        Object.assign(jsonSchema, form);
      }
      // A list that is `readonly` in TypeScript is nothing that only the server may set.
      delete jsonSchema['readOnly'];
      // Answers may get more fields later.
      if (io === 'output' && jsonSchema['additionalProperties'] === false) delete jsonSchema['additionalProperties'];
    },
  }) as const;

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { schemas } = z.toJSONSchema(componentRegistry({ id: THIS, schema }), {
    ...options(io),
    uri: (id) => COMPONENTS + id,
  });
  return withoutDialect(schemas[THIS]);
}

function componentSchemas(): Json {
  const { schemas } = z.toJSONSchema(componentRegistry(), { ...options('output'), uri: (id) => COMPONENTS + id });
  const entries = Object.entries(schemas).map(([id, schema]) => [id, withoutDialect(schema)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** OpenAPI 3.1 has one dialect for all schemas, and names them by where they stand. */
function withoutDialect(schema: unknown): Json {
  return Object.fromEntries(Object.entries(schema as Json).filter(([key]) => key !== '$schema' && key !== '$id'));
}

/** Whether answers have an ETag; see `addValidators`. */
const isValidated = ({ method, description: { path, answer } }: Endpoint): boolean =>
  method === 'GET' && path.startsWith('/v1/') && (answer.status ?? 200) === 200 && !(EVENT_STREAM in answer.content);
