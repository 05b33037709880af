/**
 * The canonical family of a model id: one name for what is the same model through whatever gateway, region, date or
 * variant. `us.anthropic.claude-sonnet-4-5-20250929-v1:0` and `openrouter/anthropic/claude-sonnet-4.5` are both
 * `claude-sonnet-4-5`. An id that no rule knows is its own family, in lower case. Idempotent.
 *
 * Sizes and tiers (mini, haiku, 8b) make families of their own, and so do versions (4 and 4.5).
 */
export function modelFamily(modelId: string): string {
  let name = modelId.trim().toLowerCase();
  for (;;) {
    const plainer = plainerName(name);
    if (plainer === name || plainer === '') return name;
    name = plainer;
  }
}

function plainerName(id: string): string {
  const { name, vendor } = withoutVendor(fineTunedFrom(lastSegment(id).trim()));
  const suffixes = vendor === undefined ? SUFFIXES : [...SUFFIXES, BEDROCK_VERSION];
  const bare = suffixes.reduce((rest, suffix) => rest.replace(suffix, ''), name);
  return inOneSpelling(bare, vendor);
}

/** A gateway's or publisher's path: `openrouter/anthropic/…`, `models/…`, `azure/…`, an ARN's resource. */
const lastSegment = (id: string): string => id.split('/').findLast((segment) => segment !== '') ?? '';

/** OpenAI's `ft:<model>:<organisation>:<name>:<id>`. */
const fineTunedFrom = (id: string): string => /^ft:([^:]+)/.exec(id)?.[1] ?? id;

/** Bedrock's `<region>.<vendor>.<model>`, the region only in inference profiles; `regional` stands for any in price lists. */
const BEDROCK_VENDOR =
  /^(?:(?:us|us-gov|eu|apac|ap|au|ca|in|jp|sa|global|regional)\.)?(ai21|amazon|anthropic|cohere|deepseek|google|meta|minimax|mistral|moonshot|nvidia|openai|qwen|writer|zai)\./;

function withoutVendor(id: string): { name: string; vendor: string | undefined } {
  const [prefix, vendor] = BEDROCK_VENDOR.exec(id) ?? ['', undefined];
  return { name: id.slice(prefix.length), vendor };
}

const SUFFIXES = [
  // A context window in brackets, as coding agents write it: [1m].
  /\[[^\]]*\]$/,
  // A gateway's variant of the same model. Ollama's :8b is a size, and stays.
  /:(?:free|beta|extended|thinking|online|nitro|floor|exacto|latest|cloud|batch)$/,
  // Bedrock's -v1:0, -v1:0:200k and -1:0.
  /-v?\d+:\d+(?::\d+k)?$/,
  /[-@](?:latest|default)$/,
  /-(?:preview|exp)$/,
  // Vertex AI's @001.
  /@\d{3}$/,
  // -20250929, -2025-04-14, @20250929
  /[-@]20\d\d-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12]\d|3[01])$/,
  // -05-06 and -09-2025, after a preview.
  /(?<=-(?:preview|exp))-\d\d-\d\d(?:\d\d)?$/,
  // -0613: month and day. -2407: year and month.
  /-(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])$/,
  /-2[3-9](?:0[1-9]|1[0-2])$/,
];

/** Bedrock drops the colon of some versions (-v1); elsewhere -v3 is a part of the name (deepseek-v3). */
const BEDROCK_VERSION = /(?<=.)-v\d+$/;

const ALIASES: ReadonlyMap<string, string> = new Map([
  ['gpt-35-turbo', 'gpt-3.5-turbo'],
  ['gpt-35-turbo-16k', 'gpt-3.5-turbo-16k'],
  ['deepseek-chat-v3', 'deepseek-v3'],
]);

/** Spells alike what vendors and gateways spell differently. */
function inOneSpelling(name: string, vendor: string | undefined): string {
  // Bedrock's deepseek.r1 is elsewhere deepseek-r1.
  const named = vendor === 'deepseek' && !name.startsWith('deepseek') ? `deepseek-${name}` : name;
  if (named.startsWith('claude-')) return claudeName(named.replace(/(?<=\d)\.(?=\d)/g, '-'));
  // The price list's own gpt-5-1 is OpenAI's gpt-5.1.
  if (named.startsWith('gpt-')) return ALIASES.get(named) ?? named.replace(/^(gpt-\d{1,2})-(\d)(?=-|$)/, '$1.$2');
  if (named.startsWith('gemini-')) return named.replace(/-00\d$/, '');
  return ALIASES.get(named) ?? named;
}

/**
 * Anthropic put the version first until 3.7 (`claude-3-7-sonnet`) and puts it last since 4 (`claude-opus-4-1`); gateways
 * write either the other way round as well. A version's `-0` is left out, as in `claude-opus-4`.
 */
function claudeName(name: string): string {
  const plain = name.replace(/(?<=\d.*)-(?:thinking|v\d+)$/, '');
  const [, before, tier = '', after, rest = ''] =
    /^claude(?:-(\d{1,2}(?:-\d{1,2})?))?-([a-z]+)(?:-(\d{1,2}(?:-\d{1,2})?))?((?:-[a-z]+)*)$/.exec(plain) ?? [];
  const written = before ?? after;
  if (written === undefined || (before !== undefined && after !== undefined)) return plain;
  const version = written.replace(/-0$/, '');
  if (Number.parseInt(version, 10) >= 4) return `claude-${tier}-${version}${rest}`;
  return /^(?:haiku|sonnet|opus)$/.test(tier) ? `claude-${version}-${tier}${rest}` : plain;
}
