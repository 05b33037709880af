import { readFileSync } from 'node:fs';
import type { Setting } from '@laurel/service-host';
import { LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';

/** Standard Webhooks, "Signature scheme": a key of 24 to 64 bytes. */
const SECRET = /^whsec_([A-Za-z0-9+/]+={0,2})$/;
const isSecret = (text: string): boolean => {
  const base64 = SECRET.exec(text)?.[1] ?? '';
  const bytes = Buffer.from(base64, 'base64');
  return bytes.length >= 24 && bytes.length <= 64 && bytes.toString('base64') === base64;
};

/** Without user and password, which `fetch` refuses. */
function isHttpUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return ['http:', 'https:'].includes(protocol) && username === '' && password === '';
}

const aText = z.string('is not a text');
const ofEvery = {
  /** In the consumer group and in metrics: another name is another endpoint, which begins anew. */
  name: aText.regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'is not 1 to 63 lower-case letters, digits and dashes'),
  /** Secret as a whole, as Slack's are. */
  url: aText.refine(isHttpUrl, 'is not an http(s) URL without user and password'),
  /** Awards that Kafka took before are passed over, in ms. */
  since: z.iso
    .datetime({ offset: true, error: 'is not an instant such as 2026-11-23T00:00:00Z' })
    .transform((text) => Date.parse(text)),
  /** Whether awards of tiers are sent too: there may be one for everybody in the company at once. */
  tiers: z.boolean('is not true or false').default(false),
};

const endpointSchema = z.discriminatedUnion(
  'format',
  [
    z.strictObject({
      format: z.literal('standard-webhooks'),
      ...ofEvery,
      /** Each signs; the receiver accepts whichever it knows, so that a secret can be changed while awards flow. */
      secrets: z
        .array(aText.refine(isSecret, 'is not whsec_ and the base64 of 24 to 64 bytes'), 'is not a list of secrets')
        .min(1, 'has no secret')
        .max(5, 'has more than 5 secrets'),
    }),
    z.strictObject({ format: z.literal('slack'), ...ofEvery }),
  ],
  { error: 'is not one of standard-webhooks, slack' },
);

const endpointsSchema = z.strictObject(
  {
    endpoints: z
      .array(endpointSchema, 'is not a list of endpoints')
      .min(1, 'has no endpoint')
      .max(32, 'has more than 32 endpoints')
      .superRefine((endpoints, context) => {
        endpoints.forEach(({ name }, index) => {
          const isTaken = endpoints.findIndex((other) => other.name === name) < index;
          if (isTaken)
            context.addIssue({ code: 'custom', path: [index, 'name'], message: 'is taken by another endpoint' });
        });
      }),
  },
  'is not a mapping with endpoints',
);

/** Where awards are sent to, and how. */
export type Endpoint = z.output<typeof endpointSchema>;

/** `endpoints[0].secrets[1]` */
const pathText = (path: readonly PropertyKey[]): string =>
  path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '');

/**
 * @param text YAML, of which JSON is a part.
 * @returns every fault otherwise. No fault repeats anything of the text's values, as all of them may be secret.
 */
export function readEndpoints(
  text: string,
): { readonly endpoints: readonly Endpoint[] } | { readonly faults: readonly string[] } {
  const yaml = readYaml(text);
  if ('faults' in yaml) return yaml;
  const parsed = endpointsSchema.safeParse(yaml.value);
  if (parsed.success) return parsed.data;
  return { faults: parsed.error.issues.map(({ path, message }) => `${pathText(path)} ${message}`.trimStart()) };
}

function readYaml(text: string): { readonly value: unknown } | { readonly faults: readonly string[] } {
  const lines = new LineCounter();
  // Pretty errors quote the line at fault.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    const faults = document.errors.map(({ code, pos }) => `is not YAML: ${code} in line ${lines.linePos(pos[0]).line}`);
    return { faults };
  }
  try {
    return { value: document.toJS() as unknown };
  } catch {
    // An alias of nothing, or too many of them.
    return { faults: ['is not YAML: BAD_ALIAS'] };
  }
}

/** @param variable names a file; what is wrong in it is a fault of the variable. */
export const endpointsFile = (variable: string, description: string): Setting<readonly Endpoint[]> => ({
  variable,
  description,
  schema: z.string().transform((path, context) => {
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch {
      context.addIssue({ code: 'custom', message: 'is not a file that can be read' });
      return z.NEVER;
    }
    const read = readEndpoints(text);
    if ('endpoints' in read) return read.endpoints;
    for (const message of read.faults) context.addIssue({ code: 'custom', message });
    return z.NEVER;
  }),
});
