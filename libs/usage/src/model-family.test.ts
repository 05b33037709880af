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
  ],
  'claude-sonnet-4': [
    'claude-sonnet-4-20250514',
    'claude-sonnet-4@20250514',
    'apac.anthropic.claude-sonnet-4-20250514-v1:0',
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
  ],
  'claude-3-haiku': ['anthropic.claude-3-haiku-20240307-v1:0', 'anthropic.claude-3-haiku-20240307-v1:0:200k'],
  'gpt-4o': ['gpt-4o', 'gpt-4o-2024-08-06', 'azure/gpt-4o', 'azure/eu/gpt-4o-2024-08-06', 'openai/gpt-4o:extended'],
  'gpt-4o-mini': ['gpt-4o-mini-2024-07-18', 'ft:gpt-4o-mini-2024-07-18:acme::A1b2C3d4'],
  'gpt-4.1': ['gpt-4.1-2025-04-14', 'openai/gpt-4.1'],
  'gpt-4.1-mini': ['gpt-4.1-mini-2025-04-14'],
  'gpt-5': ['gpt-5', 'gpt-5-2025-08-07', 'openai/gpt-5'],
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
    );
    const composed = fc.array(part, { maxLength: 8 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(known, composed, fc.string()), (id) =>
        expect(modelFamily(modelFamily(id))).toBe(modelFamily(id)),
      ),
    );
  });
});
