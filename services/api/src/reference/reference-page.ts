import { createHash } from 'node:crypto';
import type { Json } from '../http/openapi.js';

const STYLE = `:root{color-scheme:light dark;--line:color-mix(in srgb,currentColor 20%,transparent)}
body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem}
code,pre{font:.9em ui-monospace,monospace}pre{overflow:auto;padding:.75rem;border:1px solid var(--line);border-radius:.4rem}
h2{margin-top:3rem;border-bottom:1px solid var(--line)}section{margin:2.5rem 0}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.3rem .75rem .3rem 0;border-bottom:1px solid var(--line)}
nav li{margin:.1rem 0}.prose{white-space:pre-line}`;

/** No script, no picture, no other host: the one style alone, by its hash. */
export const REFERENCE_CSP = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join(';');

interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly parameters: readonly {
    readonly name: string;
    readonly in: string;
    readonly required: boolean;
    readonly description?: string;
    readonly schema: Json;
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Json }>> };
  readonly responses: Readonly<
    Record<
      string,
      { readonly description: string; readonly content?: Readonly<Record<string, { readonly schema: Json }>> }
    >
  >;
}

interface Document {
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Json>> };
}

/** The OpenAPI document for a person: a page without a script. */
export function referencePage(document: Json): string {
  const { info, tags, paths, components } = document as unknown as Document;
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  const ofTag = (tag: string) => operations.filter(({ operation }) => operation.tags[0] === tag);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escaped(info.title)} API ${escaped(info.version)}</title><style>${STYLE}</style></head><body><main>
<h1>${escaped(info.title)} API</h1><p class="prose">${marked(info.description)}</p>
<p>As a machine reads it: <a href="openapi.json">openapi.json</a> (OpenAPI 3.1).</p>
<nav aria-label="Endpoints"><ul>${operations.map((one) => `<li><a href="#${one.operation.operationId}"><code>${one.method} ${escaped(one.path)}</code></a> ${escaped(one.operation.summary)}</li>`).join('\n')}</ul></nav>
${tags.map(({ name }) => `<h2>${escaped(name)}</h2>${ofTag(name).map(operationHtml).join('\n')}`).join('\n')}
<h2>Schemas</h2>
${Object.entries(components.schemas)
  .map(
    ([name, schema]) =>
      `<section id="schema-${escaped(name)}"><h3>${escaped(name)}</h3>${schemaHtml(schema)}</section>`,
  )
  .join('\n')}
</main></body></html>
`;
}

interface Entry {
  readonly path: string;
  readonly method: string;
  readonly operation: Operation;
}

function operationHtml({ path, method, operation }: Entry): string {
  const { operationId, summary, description, parameters: outer, requestBody, responses } = operation;
  const parameters = [...outer, ...fieldsOf(requestBody)];
  return `<section id="${operationId}"><h3><code>${method} ${escaped(path)}</code></h3><p>${escaped(summary)}</p>
${description === undefined ? '' : `<p class="prose">${marked(description)}</p>`}
${
  parameters.length === 0
    ? ''
    : `<table><thead><tr><th>Parameter</th><th>In</th><th>Is</th><th>What</th></tr></thead><tbody>${parameters
        .map(
          (one) =>
            `<tr><td><code>${escaped(one.name)}</code>${one.required ? ' (required)' : ''}</td><td>${escaped(one.in)}</td><td>${schemaText(one.schema)}</td><td>${escaped(one.description ?? '')}</td></tr>`,
        )
        .join('')}</tbody></table>`
}
<table><thead><tr><th>Answer</th><th>Type</th><th>What</th></tr></thead><tbody>${Object.entries(responses)
    .map(
      ([status, { description: what, content }]) =>
        `<tr><td>${escaped(status)}</td><td>${Object.entries(content ?? {})
          .map(([type, { schema }]) => `<code>${escaped(type)}</code> ${schemaText(schema)}`)
          .join('<br>')}</td><td>${marked(what)}</td></tr>`,
    )
    .join('')}</tbody></table></section>`;
}

/** The fields of a body, as parameters are told. */
function fieldsOf(body: Operation['requestBody']): Operation['parameters'] {
  return Object.values(body?.content ?? {}).flatMap(({ schema }) => {
    const { properties = {}, required = [] } = schema as {
      readonly properties?: Readonly<Record<string, Json & { readonly description?: string }>>;
      readonly required?: readonly string[];
    };
    return Object.entries(properties).map(([name, { description, ...form }]) => ({
      name,
      in: 'body',
      required: required.includes(name),
      ...(description === undefined ? {} : { description }),
      schema: form,
    }));
  });
}

/** A type's name as a link, else the schema in a line. */
function schemaText(schema: Json): string {
  const [first] = (schema['allOf'] ?? [schema]) as readonly Json[];
  const { $ref } = first ?? schema;
  if (typeof $ref === 'string') {
    const name = $ref.slice($ref.lastIndexOf('/') + 1);
    return `<a href="#schema-${escaped(name)}">${escaped(name)}</a>`;
  }
  const form = Object.entries(schema).filter(([key]) => key !== 'description');
  if (schema['type'] === 'string' && form.length === 1) return 'text';
  return `<code>${escaped(JSON.stringify(Object.fromEntries(form)))}</code>`;
}

const schemaHtml = (schema: Json): string => `<pre>${escaped(JSON.stringify(schema, undefined, 2))}</pre>`;

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (text: string): string => text.replace(/[&<>"]/g, (one) => ENTITIES[one] ?? '');
/** Of Markdown what the document uses: code. */
const marked = (text: string): string => escaped(text).replace(/`([^`]+)`/g, '<code>$1</code>');
