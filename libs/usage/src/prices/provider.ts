/** Names of providers in events, gateways and OpenTelemetry (`gen_ai.provider.name`), beside the price list's own. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['amazon-bedrock', 'aws'],
  ['aws-bedrock', 'aws'],
  ['bedrock', 'aws'],
  ['bedrock-converse', 'aws'],
  ['az-ai-inference', 'azure'],
  ['az-ai-openai', 'azure'],
  ['azure-ai', 'azure'],
  ['azure-ai-inference', 'azure'],
  ['azure-ai-openai', 'azure'],
  ['azure-openai', 'azure'],
  ['fireworks-ai', 'fireworks'],
  ['gcp-gemini', 'google'],
  ['gcp-gen-ai', 'google'],
  ['gcp-vertex-ai', 'google'],
  ['gemini', 'google'],
  ['google-vertex', 'google'],
  ['vertex', 'google'],
  ['vertex-ai', 'google'],
  ['mistral-ai', 'mistral'],
  ['mistralai', 'mistral'],
  ['moonshot', 'moonshotai'],
  ['together-ai', 'together'],
  ['xai', 'x-ai'],
]);

/** The price list's name of a provider as it is published; of one that it does not know, that one in lower case. */
export function providerId(published: string): string {
  const name = published
    .trim()
    .toLowerCase()
    .replace(/[\s._]+/g, '-');
  return ALIASES.get(name) ?? name.replace(/^huggingface-/, 'huggingface_');
}

/** Who sells a call, and how they call the model. */
export interface Offer {
  readonly provider: string;
  readonly model: string;
}

/**
 * Where the price of a call may stand, the likeliest place first. LiteLLM names the seller before the model
 * (`bedrock/us.anthropic.…`); others put their own name there (`azure/gpt-4o` of azure), or a path (`models/…`).
 * A maker's name stays, as in OpenRouter's `anthropic/…`.
 */
export function offersOf(provider: string, model: string): readonly Offer[] {
  const id = model.trim();
  const slash = id.indexOf('/');
  const [first, rest] = slash < 0 ? ['', id] : [providerId(id.slice(0, slash)), id.slice(slash + 1)];
  const seller = providerId(provider);
  if (seller === 'litellm') return slash < 0 ? [] : offersOf(first, rest);
  const inPath = /^(?:.*\/)?models\/([^/]+)$/.exec(id)?.[1];
  return [id, ...(first === seller ? [rest] : []), ...(inPath === undefined ? [] : [inPath])].map((one) => ({
    provider: seller,
    model: one,
  }));
}
