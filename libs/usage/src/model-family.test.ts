import fc from 'fast-check';
import { modelFamily } from './model-family.js';

/** Ids as providers and gateways document them. */
const families: Record<string, readonly string[]> = {
  'claude-sonnet-4-5': [
    'claude-sonnet-4-5',
    'claude-sonnet-4-5-20250929',
    'claude-sonnet-4-5@20250929',
    'claude-sonnet-4-5-20250929[1m]',
    'claude-sonnet-4.5',
    'anthropic/claude-sonnet-4.5',
    'openrouter/anthropic/claude-sonnet-4.5:thinking',
    'anthropic.claude-sonnet-4-5-20250929-v1:0',
    'us.anthropic.claude-sonnet-4-5-20250929-v1:0',
    'global.anthropic.claude-sonnet-4-5-20250929-v1:0',
    'bedrock/eu.anthropic.claude-sonnet-4-5-20250929-v1:0',
    'arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0',
    'vertex_ai/claude-sonnet-4-5@20250929',
    ' Claude-Sonnet-4-5 ',
    'anthropic/claude-4.5-sonnet-20250929:beta',
    'claude-4-5-sonnet',
    'regional.anthropic.claude-sonnet-4-5-20250929-v1:0',
    'publishers/anthropic/models/claude-sonnet-4-5@20250929',
  ],
  'claude-sonnet-4': [
    'claude-sonnet-4-20250514',
    'claude-sonnet-4@20250514',
    'apac.anthropic.claude-sonnet-4-20250514-v1:0',
    'claude-sonnet-4-0',
    'claude-4-sonnet',
  ],
  'claude-opus-4-6': ['claude-opus-4-6', 'us.anthropic.claude-opus-4-6-v1', 'anthropic/claude-opus-4.6'],
  'claude-haiku-4-5': ['claude-haiku-4-5-20251001', 'claude-haiku-4-5@20251001', 'anthropic/claude-haiku-4.5'],
  'claude-3-5-sonnet': [
    'claude-3-5-sonnet-latest',
    'claude-3-5-sonnet-20241022',
    'claude-3-5-sonnet-v2@20241022',
    'anthropic.claude-3-5-sonnet-20241022-v2:0',
    'anthropic/claude-3.5-sonnet:beta',
  ],
  'claude-3-7-sonnet': [
    'anthropic/claude-3.7-sonnet:thinking',
    'claude-3-7-sonnet-thinking',
    'claude-3-7-sonnet-20250219',
    'claude-sonnet-3.7',
  ],
  'claude-opus-4-8-fast': ['claude-opus-4-8-fast', 'anthropic/claude-opus-4.8-fast', 'claude-4.8-opus-fast'],
  'claude-instant-1-2': ['claude-instant-1.2'],
  'claude-3-haiku': ['anthropic.claude-3-haiku-20240307-v1:0', 'anthropic.claude-3-haiku-20240307-v1:0:200k'],
  'gpt-4o': ['gpt-4o', 'gpt-4o-2024-08-06', 'azure/gpt-4o', 'azure/eu/gpt-4o-2024-08-06', 'openai/gpt-4o:extended'],
  'gpt-4o-mini': ['gpt-4o-mini-2024-07-18', 'ft:gpt-4o-mini-2024-07-18:acme::A1b2C3d4'],
  'gpt-4.1': ['gpt-4.1-2025-04-14', 'openai/gpt-4.1'],
  'gpt-4.1-mini': ['gpt-4.1-mini-2025-04-14'],
  'gpt-5': ['gpt-5', 'gpt-5-2025-08-07', 'openai/gpt-5'],
  'gpt-5.1': ['gpt-5.1', 'gpt-5-1', 'openai/gpt-5.1-2025-11-13'],
  'gpt-5.6-luna': ['gpt-5.6-luna', 'in.openai.gpt-5.6-luna', 'global.openai.gpt-5.6-luna'],
  'gpt-5.1-codex-max': ['gpt-5.1-codex-max', 'openai/gpt-5.1-codex-max'],
  'gpt-4': ['gpt-4-0613', 'gpt-4-1106-preview'],
  'gpt-3.5-turbo': ['gpt-35-turbo', 'azure/gpt-35-turbo', 'gpt-3.5-turbo-0125'],
  'gpt-oss-120b': ['openai.gpt-oss-120b-1:0', 'openai/gpt-oss-120b:free'],
  o3: ['o3-2025-04-16', 'openai/o3'],
  'o4-mini': ['o4-mini-2025-04-16'],
  'gemini-2.5-pro': [
    'gemini-2.5-pro',
    'models/gemini-2.5-pro',
    'gemini/gemini-2.5-pro-preview-05-06',
    'publishers/google/models/gemini-2.5-pro',
    'google/gemini-2.5-pro-preview',
  ],
  'gemini-2.5-flash': ['gemini-2.5-flash-preview-09-2025', 'gemini-2.5-flash-preview-04-17'],
  'gemini-2.0-flash': ['gemini-2.0-flash-001', 'gemini-2.0-flash-exp', 'google/gemini-2.0-flash-exp:free'],
  'gemini-3-pro': ['gemini-3-pro-preview'],
  'nova-pro': ['amazon.nova-pro-v1:0', 'us.amazon.nova-pro-v1:0'],
  'llama3-3-70b-instruct': ['us.meta.llama3-3-70b-instruct-v1:0'],
  'llama-3.3-70b-instruct': ['meta-llama/Llama-3.3-70B-Instruct', 'meta-llama/llama-3.3-70b-instruct:free'],
  'llama3.1:8b': ['llama3.1:8b', 'ollama/llama3.1:8b'],
  'mistral-large': ['mistral-large-2407', 'mistral-large-latest', 'mistral.mistral-large-2407-v1:0'],
  'deepseek-r1': ['deepseek/deepseek-r1', 'us.deepseek.r1-v1:0', 'deepseek/deepseek-r1-0528:free'],
  'deepseek-v3': ['deepseek-ai/DeepSeek-V3', 'deepseek/deepseek-chat-v3-0324', 'deepseek.v3-v1:0'],
  'kimi-k2': ['moonshotai/kimi-k2', 'moonshotai/kimi-k2-0905'],
  'kimi-k2-thinking': ['moonshotai/kimi-k2-thinking'],
  'qwen3-coder': ['qwen/qwen3-coder:free'],
  'grok-4': ['x-ai/grok-4', 'grok-4-0709', 'xai/grok-4-latest'],
};

describe('modelFamily', () => {
  it.each(Object.entries(families).flatMap(([family, ids]) => ids.map((id) => [id, family])))(
    'takes %s for %s',
    (id, family) => expect(modelFamily(id)).toBe(family),
  );

  it('leaves an id that nothing is known of as it is, in lower case', () => {
    expect(modelFamily('Our-Own-Deployment')).toBe('our-own-deployment');
    expect(modelFamily('/')).toBe('/');
    expect(modelFamily(':free')).toBe(':free');
  });

  it('is the same through every gateway, region, date and variant', () => {
    const names = fc.constantFrom('claude-opus-4-1', 'claude-3-7-sonnet', 'claude-haiku-4-5', 'nova-pro', 'gpt-5.1');
    const maybe = (...texts: readonly string[]) => fc.constantFrom('', ...texts);
    const bedrock = fc
      .tuple(
        names,
        maybe('us.', 'eu.', 'us-gov.', 'global.', 'regional.'),
        fc.constantFrom('anthropic.', 'amazon.', 'openai.'),
        maybe('-20250805', '-2025-08-05'),
        maybe('-v1', '-v1:0', '-v2:0:200k', '-1:0'),
        maybe('bedrock/', 'arn:aws:bedrock:us-east-1:123456789012:inference-profile/', 'litellm/bedrock/'),
      )
      .map(([name, region, vendor, date, version, path]) => [name, path + region + vendor + name + date + version]);
    const elsewhere = fc
      .tuple(
        names,
        maybe('openrouter/anthropic/', 'azure/', 'azure/eu/', 'models/', 'publishers/anthropic/models/', 'vertex_ai/'),
        maybe('-20250805', '@20250805', '-2025-08-05', '-latest', '-preview', '@001', '@default'),
        maybe('[1m]', ':beta', ':free', ':thinking', ':extended'),
      )
      .map(([name, path, date, variant]) => [name, path + name + date + variant]);
    fc.assert(
      fc.property(fc.oneof(bedrock, elsewhere), ([name = '', id = '']) => {
        expect(modelFamily(id)).toBe(name);
        expect(modelFamily(id.toUpperCase())).toBe(name);
      }),
    );
  });

  it('is its own family', () => {
    const known = fc.constantFrom(...Object.values(families).flat());
    const part = fc.constantFrom(
      'claude-',
      'gemini-x',
      'deepseek.',
      '-preview',
      '-001',
      '-v1',
      ':0',
      '/',
      '.',
      '4',
      '-0613',
      ':free',
      'gpt-',
      'opus',
      '-5',
      '-fast',
    );
    const composed = fc.array(part, { maxLength: 8 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(known, composed, fc.string()), (id) =>
        expect(modelFamily(modelFamily(id))).toBe(modelFamily(id)),
      ),
    );
  });
});
