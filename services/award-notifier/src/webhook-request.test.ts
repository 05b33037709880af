import { spawnSync } from 'node:child_process';
import { awardJson } from '@laurel/policy';
import { Webhook } from 'standardwebhooks';
import { logged, secret, viewOf } from './testing/awards.js';
import { webhookRequest } from './webhook-request.js';

/** Shares no code with what signs. */
const PYTHON = `
import base64, hashlib, hmac, json, sys
given = json.load(sys.stdin)
key = base64.b64decode(given["secret"].removeprefix("whsec_"))
headers = given["headers"]
signed = f'{headers["webhook-id"]}.{headers["webhook-timestamp"]}.{given["body"]}'.encode()
print("v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode())
`;

const award = logged(7, { user_id: 'u-ü', evidence: { tokens: { long: 9 }, share: { double: 0.5 } } });
const { people } = viewOf();
const now = Date.now();

describe('a signed webhook', () => {
  it('bears the award as the API gives it, under the award’s id', () => {
    const { headers, body } = webhookRequest(award, people, [secret('a')], now);
    expect(JSON.parse(body)).toEqual(awardJson(award, people));
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'webhook-id': 'award-7',
      'webhook-timestamp': String(Math.floor(now / 1000)),
    });
  });

  it('is verified by the library with each of its secrets, and with no other', () => {
    const { headers, body } = webhookRequest(award, people, [secret('a'), secret('b')], now);
    for (const one of ['a', 'b'])
      expect(new Webhook(secret(one)).verify(body, headers)).toEqual(awardJson(award, people));
    expect(() => new Webhook(secret('c')).verify(body, headers)).toThrow('No matching signature');
    expect(() => new Webhook(secret('a')).verify(body.replace('award-7', 'award-8'), headers)).toThrow();
    const other = { ...headers, 'webhook-id': 'award-8' };
    expect(() => new Webhook(secret('a')).verify(body, other)).toThrow();
  });

  it('has the signature that Python’s standard library computes', () => {
    const { headers, body } = webhookRequest(award, people, [secret('a'), secret('b')], now);
    const computed = ['a', 'b'].map((one) => {
      const input = JSON.stringify({ secret: secret(one), headers, body });
      const { stdout, stderr } = spawnSync('python3', ['-c', PYTHON], { input, encoding: 'utf8' });
      expect(stderr).toBe('');
      return stdout.trim();
    });
    expect(headers['webhook-signature']).toBe(computed.join(' '));
  });

  it('is too old for a receiver after some minutes, and signed anew in every attempt', () => {
    const { headers, body } = webhookRequest(award, people, [secret('a')], now - 600_000);
    expect(() => new Webhook(secret('a')).verify(body, headers)).toThrow('too old');
    expect(webhookRequest(award, people, [secret('a')], now).headers['webhook-signature']).not.toBe(
      headers['webhook-signature'],
    );
  });
});
