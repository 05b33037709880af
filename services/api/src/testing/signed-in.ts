import { writeToken } from '@laurel/clickhouse';
import { drawToken, type AccessScope } from '@laurel/policy';
import { freePort } from './free-port.js';
import { TestBrowser, testProvider, type TestAccount, type TestProvider } from './oidc.js';
import type { RunningApi, TestStack } from './stack.js';

export const SECRET = 'a-secret-of-at-least-32-characters';

export interface GuardedApi extends RunningApi {
  readonly provider: TestProvider;
  readonly environment: Readonly<Record<string, string>>;
  /** A browser in which somebody has signed in. */
  readonly signIn: (account: TestAccount) => Promise<TestBrowser>;
}

/** An API that people sign in to, and the provider that it asks. */
export async function guardedApi(stack: TestStack, more: Readonly<Record<string, string>> = {}): Promise<GuardedApi> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const provider = await testProvider(url);
  const environment = {
    LAUREL_HTTP_PORT: String(port),
    LAUREL_API_PUBLIC_URL: url,
    LAUREL_API_SECRET: SECRET,
    LAUREL_OIDC_ISSUER: provider.issuer,
    LAUREL_OIDC_CLIENT_ID: provider.clientId,
    LAUREL_OIDC_CLIENT_SECRET: provider.clientSecret,
    ...more,
  };
  const api = await stack.startApi(environment);
  return {
    ...api,
    url,
    provider,
    environment,
    async signIn(account) {
      provider.signsInAs(account);
      const browser = new TestBrowser();
      const { response } = await browser.visit(`${url}/auth/login?return_to=/v1/session`);
      if (response.status !== 200) throw new Error(await response.text());
      return browser;
    },
    async stop() {
      await api.stop();
      await provider.stop();
    },
  };
}

/** A token as `laurel tokens create` makes it. */
export async function makeToken(
  { clickhouse }: TestStack,
  scopes: readonly AccessScope[],
  expiresAtMs = Date.now() + 3_600_000,
): Promise<{ readonly token: string; readonly id: string; readonly revoke: () => Promise<void> }> {
  const { token, id, secretHash } = drawToken();
  const stored = {
    id,
    name: 'test',
    scopes,
    secretHash,
    createdAtMs: Date.now(),
    expiresAtMs,
    revokedAtMs: null,
  };
  await writeToken(clickhouse, stored);
  return { token, id, revoke: () => writeToken(clickhouse, { ...stored, revokedAtMs: Date.now() }) };
}
