import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseStack } from './choose.js';

let folder: string;
let env: NodeJS.ProcessEnv;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'laurel-choose-'));
  env = { PATH: `${folder}:/bin:/usr/bin` };
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** Puts a `docker` command on the path that does what the script says. */
async function docker(script: string): Promise<void> {
  await writeFile(join(folder, 'docker'), `#!/bin/sh\n${script}\n`);
  await chmod(join(folder, 'docker'), 0o755);
}

it('takes containers where an engine answers', async () => {
  await docker('echo 28.1.0');
  expect(await chooseStack(env)).toBe('docker');
});

it.each(['echo; echo cannot connect >&2; exit 1', 'echo', 'exit 127'])(
  'does without where there is only a client: %s',
  async (script) => {
    await docker(script);
    expect(await chooseStack(env)).toBe('local');
  },
);

it('does as LAUREL_STACK says, and refuses what it does not know', async () => {
  await docker('echo 28.1.0');
  expect(await chooseStack({ ...env, LAUREL_STACK: 'local' })).toBe('local');
  await expect(chooseStack({ ...env, LAUREL_STACK: 'podman' })).rejects.toThrow('LAUREL_STACK must be docker or local');
});
