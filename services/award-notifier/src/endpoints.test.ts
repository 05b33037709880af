import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '@laurel/service-host';
import { endpointsFile, readEndpoints } from './endpoints.js';
import { secret } from './testing/awards.js';

const SOUND = `
endpoints:
  - name: hall-of-fame
    format: standard-webhooks
    url: https://example.com/hook
    since: 2026-11-23T00:00:00Z
    secrets: [${secret('a')}, ${secret('b')}]
  - name: chat
    format: slack
    url: http://chat.example.com/services/hunter2
    since: 2026-11-23T01:00:00+01:00
    tiers: true
`;

describe('the file of endpoints', () => {
  it('is YAML or JSON', () => {
    const read = readEndpoints(SOUND);
    expect(read).toMatchObject({
      endpoints: [
        {
          name: 'hall-of-fame',
          since: Date.parse('2026-11-23T00:00:00Z'),
          secrets: [secret('a'), secret('b')],
          tiers: false,
        },
        { name: 'chat', format: 'slack', since: Date.parse('2026-11-23T00:00:00Z'), tiers: true },
      ],
    });
    if (!('endpoints' in read)) throw new Error('not reached');
    const json = JSON.stringify({
      endpoints: read.endpoints.map((one) => ({ ...one, since: new Date(one.since).toISOString() })),
    });
    expect(readEndpoints(json)).toEqual(read);
  });

  it('is refused with every fault and its place, and nothing that it holds', () => {
    const read = readEndpoints(`
endpoints:
  - { name: Hunter2, format: slack, url: 'ftp://hunter2/', since: hunter2, secrets: [hunter2] }
  - { name: a, format: hunter2, url: 'https://a.example' }
  - { name: b, format: standard-webhooks, url: 'https://u:hunter2@a.example', since: '2026-11-23', secrets: [hunter2, whsec_aHVudGVyMg==] }
  - { name: c, format: standard-webhooks, url: 17, since: 2026-11-23T00:00:00Z, secrets: [] }
  - { name: d, format: slack, url: 'https://d.example', since: 2026-11-23T00:00:00Z }
  - { name: d, format: slack, url: 'https://d.example', since: 2026-11-23T00:00:00Z }
`);
    expect(read).toEqual({
      faults: [
        'endpoints[0].name is not 1 to 63 lower-case letters, digits and dashes',
        'endpoints[0].url is not an http(s) URL without user and password',
        'endpoints[0].since is not an instant such as 2026-11-23T00:00:00Z',
        'endpoints[0] Unrecognized key: "secrets"',
        'endpoints[1].format is not one of standard-webhooks, slack',
        'endpoints[2].url is not an http(s) URL without user and password',
        'endpoints[2].since is not an instant such as 2026-11-23T00:00:00Z',
        'endpoints[2].secrets[0] is not whsec_ and the base64 of 24 to 64 bytes',
        'endpoints[2].secrets[1] is not whsec_ and the base64 of 24 to 64 bytes',
        'endpoints[3].url is not a text',
        'endpoints[3].secrets has no secret',
      ],
    });
  });

  it('is refused where two endpoints would share a place', () => {
    const twice = SOUND.replace('name: chat', 'name: hall-of-fame');
    expect(readEndpoints(twice)).toEqual({ faults: ['endpoints[1].name is taken by another endpoint'] });
  });

  it.each([
    ['', 'is not a mapping with endpoints'],
    ['hunter2', 'is not a mapping with endpoints'],
    ['endpoints: []', 'endpoints has no endpoint'],
    ['endpoints: hunter2', 'endpoints is not a list of endpoints'],
  ])('is refused when it is %j', (text, fault) => {
    expect(readEndpoints(text)).toEqual({ faults: [fault] });
  });

  it.each(['endpoints:\n  - name: "hunter2', 'a: *hunter2', 'a: 1\na: hunter2', '[hunter2'])(
    'tells the line where %j is no YAML, and does not quote it',
    (text) => {
      const read = readEndpoints(text);
      expect(JSON.stringify(read)).toMatch(/is not YAML/);
      expect(JSON.stringify(read)).not.toContain('hunter2');
    },
  );

  it('is a setting whose faults bear the name of its variable', () => {
    const folder = mkdtempSync(join(tmpdir(), 'laurel-endpoints-'));
    const settings = { endpoints: endpointsFile('LAUREL_NOTIFIER_ENDPOINTS_FILE', 'where to') };
    const read = (path: string | undefined) => readConfig(settings, { LAUREL_NOTIFIER_ENDPOINTS_FILE: path });
    try {
      const file = join(folder, 'endpoints.yaml');
      writeFileSync(file, SOUND);
      expect(read(file)).toMatchObject({ config: { endpoints: [{ name: 'hall-of-fame' }, { name: 'chat' }] } });
      writeFileSync(file, 'endpoints: [{ name: a }, { name: b }]');
      expect(read(file)).toMatchObject({
        faults: ['endpoints[0].format', 'endpoints[1].format'].map((place) => ({
          variable: 'LAUREL_NOTIFIER_ENDPOINTS_FILE',
          message: `${place} is not one of standard-webhooks, slack`,
        })),
      });
      expect(read(join(folder, 'none'))).toMatchObject({ faults: [{ message: 'is not a file that can be read' }] });
      expect(read(undefined)).toMatchObject({ faults: [{ message: 'is required' }] });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
