import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import {
  choice,
  describeSettings,
  hostList,
  httpUrl,
  integer,
  networkList,
  optionalFile,
  optionalHttpUrl,
  optionalSecret,
  optionalText,
  originList,
  readConfig,
  text,
  yesNo,
  type Setting,
} from './config.js';
import { clickHouseSettings, kafkaSettings, registrySettings } from './connections.js';

const description = '';
const THIS_FILE = fileURLToPath(import.meta.url);

/** The value of one setting, or what is wrong with it. */
function read(setting: Setting<unknown>, given: string | undefined): unknown {
  const result = readConfig({ it: setting }, { V: given });
  return 'config' in result ? result.config.it : result.faults.map(({ message }) => message).join('; ');
}

describe('a setting', () => {
  it.each<[string, Setting<unknown>, string | undefined, unknown]>([
    ['text', text('V', { description }), 'as it is ', 'as it is '],
    ['text that is required', text('V', { description }), undefined, 'is required'],
    ['text that is empty', text('V', { description, default: 'standard' }), '', 'standard'],
    ['optional text', optionalText('V', { description }), undefined, undefined],
    ['optional text that is empty', optionalText('V', { description }), '', undefined],
    ['integer', integer('V', 0, 9, { description }), '9', 9],
    ['integer with a sign', integer('V', -5, 9, { description }), '-5', -5],
    ['integer below', integer('V', 0, 9, { description }), '-1', 'is not within 0 … 9'],
    ['integer above', integer('V', 0, 9, { description }), '10', 'is not within 0 … 9'],
    ['integer with a fraction', integer('V', 0, 9, { description }), '1.5', 'is not a whole number'],
    ['integer with a unit', integer('V', 0, 9, { description }), '5s', 'is not a whole number'],
    ['integer in hexadecimal', integer('V', 0, 99, { description }), '0x10', 'is not a whole number'],
    ['file', optionalFile('V', { description }), THIS_FILE, THIS_FILE],
    ['file that is not there', optionalFile('V', { description }), '/no/such.pem', 'is not a file that can be read'],
    ['file that is a folder', optionalFile('V', { description }), '/', 'is not a file that can be read'],
    ['choice', choice('V', ['json', 'pretty'], { description }), 'pretty', 'pretty'],
    ['choice of another', choice('V', ['json', 'pretty'], { description }), 'Json', 'is not one of json, pretty'],
    ['yes', yesNo('V', { description, default: 'false' }), 'true', true],
    ['no, by default', yesNo('V', { description, default: 'false' }), undefined, false],
    ['neither', yesNo('V', { description }), 'yes', 'is neither true nor false'],
    ['URL', httpUrl('V', { description }), 'https://host:1/path', 'https://host:1/path'],
    ['URL of another protocol', httpUrl('V', { description }), 'kafka://host', 'is not an http(s) URL'],
    ['URL that is none', httpUrl('V', { description }), 'host:8123', 'is not an http(s) URL'],
    ['optional URL', optionalHttpUrl('V', { description }), undefined, undefined],
    ['optional URL that is none', optionalHttpUrl('V', { description }), 'host', 'is not an http(s) URL'],
    [
      'list of hosts',
      hostList('V', { description }),
      'a:1, b.example:9092,[::1]:2',
      ['a:1', 'b.example:9092', '[::1]:2'],
    ],
    [
      'list with a host without a port',
      hostList('V', { description }),
      'a:1,b',
      'is not a comma-separated list of host:port',
    ],
    [
      'list with a comma too many',
      hostList('V', { description }),
      'a:1,',
      'is not a comma-separated list of host:port',
    ],
    ['list with a URL', hostList('V', { description }), 'http://a:1', 'is not a comma-separated list of host:port'],
    ['list with no such port', hostList('V', { description }), 'a:70000', 'is not a comma-separated list of host:port'],
  ])('reads: %s', (_, setting, given, expected) => {
    expect(read(setting, given)).toEqual(expected);
  });
});

describe('readConfig', () => {
  const settings = { ...kafkaSettings, ...clickHouseSettings, ...registrySettings };

  it('needs nothing for a local stack', () => {
    expect(readConfig(settings, {})).toMatchObject({
      config: { kafkaBrokers: ['127.0.0.1:9092'], kafkaTls: false, clickHouseUrl: 'http://127.0.0.1:8123' },
    });
  });

  it('reports every fault at once, each with its variable', () => {
    const result = readConfig(settings, {
      LAUREL_KAFKA_BROKERS: 'kafka',
      LAUREL_KAFKA_TLS: 'on',
      LAUREL_KAFKA_SASL_MECHANISM: 'gssapi',
      LAUREL_CLICKHOUSE_URL: 'clickhouse:9000',
      LAUREL_SCHEMA_REGISTRY_URL: 'registry',
    });
    expect('faults' in result && result.faults.map(({ variable }) => variable)).toEqual([
      'LAUREL_KAFKA_BROKERS',
      'LAUREL_KAFKA_TLS',
      'LAUREL_KAFKA_SASL_MECHANISM',
      'LAUREL_CLICKHOUSE_URL',
      'LAUREL_SCHEMA_REGISTRY_URL',
    ]);
  });

  it('never says what was given, which may be a secret in the wrong place', () => {
    const secret = fc.string({ minLength: 12 }).map((tail) => `S3cret!${tail}`);
    const variables = Object.values(settings).map(({ variable }) => variable);
    fc.assert(
      fc.property(secret, (given) => {
        const result = readConfig(settings, Object.fromEntries(variables.map((variable) => [variable, given])));
        expect(JSON.stringify('faults' in result ? result.faults : [])).not.toContain('S3cret!');
        expect('faults' in result).toBe(true);
      }),
    );
  });

  it.each([
    [
      networkList('V', { description, default: '' }),
      ['', '10.0.0.0/8, ::1', '127.0.0.1'],
      ['10.0.0.0/33', 'proxy', '1.2.3.4/', '1.2.3.4/8/9'],
    ],
    [
      originList('V', { description, default: '' }),
      ['', 'https://a.example,http://localhost:3000'],
      ['https://a.example/', '*', 'a.example', 'https://a.example/path'],
    ],
    [optionalSecret('V', { description }), ['x'.repeat(32)], ['short', `${'x'.repeat(32)} y`]],
  ] as const)('reads lists and secrets as what they have to be', (setting, good, bad) => {
    for (const given of good) expect(readConfig({ setting }, { V: given })).toHaveProperty('config');
    for (const given of bad) expect(readConfig({ setting }, { V: given })).toHaveProperty('faults');
  });

  it('describes every setting with its default, and no secret’s', () => {
    const rows = describeSettings(settings);
    expect(rows).toHaveLength(Object.keys(settings).length);
    for (const [variable, standard, words] of rows) {
      expect(variable).toMatch(/^LAUREL_[A-Z_]+$/);
      expect(words.length).toBeGreaterThan(5);
      if (variable.endsWith('PASSWORD')) expect(['', '–']).toContain(standard);
    }
    expect(describeSettings({ it: text('V', { description }) })).toEqual([['V', 'required', '']]);
  });
});
