/**
 * Compiles assembly/usage-block.ts into src/generated/usage-block.ts, which has the WebAssembly as text: so nothing has to be
 * found at run time. Runs before every build (Nx target `generate`).
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const here = fileURLToPath(new URL('.', import.meta.url));
const target = `${here}src/generated`;
const wasm = `${target}/usage-block.wasm`;
mkdirSync(target, { recursive: true });

const { error, stderr } = await asc.main(
  [
    'assembly/usage-block.ts',
    '--baseDir',
    here,
    '--outFile',
    'src/generated/usage-block.wasm',
    '-O3',
    '--runtime',
    'stub',
    '--noAssert',
  ],
  {},
);
if (error !== null) {
  process.stderr.write(stderr.toString());
  throw error;
}
const bytes = readFileSync(wasm).toString('base64');
rmSync(wasm);
writeFileSync(
  `${target}/usage-block.ts`,
  `// Made from assembly/usage-block.ts by codegen.mjs.\n\n/** In base64. */\nexport const usageBlockWasm = '${bytes}';\n`,
);
