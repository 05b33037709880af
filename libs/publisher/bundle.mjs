/**
 * Makes what `npm pack` packs: one module and one declaration file, with the workspace's own libraries inside and
 * everything from the registry as a dependency. Run by `nx build`.
 */
import { readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { rollup } from 'rollup';
import { dts } from 'rollup-plugin-dts';

const here = dirname(fileURLToPath(import.meta.url));
const OUT = join(here, 'dist/bundle');
const OWN = ['@laurel/events', '@laurel/kafka'];
const readJson = async (path) => JSON.parse(await readFile(path, 'utf8'));
const folderOf = (own) => join(here, '..', own.split('/')[1]);
const manifestOf = (own) => readJson(join(folderOf(own), 'package.json'));
const { dependencies } = await readJson(join(here, 'package.json'));

/** Our libraries' modules do nothing when they are only imported; said so, unused ones (and what they need) stay out. */
const withoutSideEffects = {
  name: 'without-side-effects',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /^(@laurel\/|\.)/ }, async ({ path, pluginData, ...from }) => {
      if (pluginData === 'resolving' || from.kind === 'entry-point') return undefined;
      const { importer, resolveDir, kind } = from;
      const found = await resolve(path, { importer, resolveDir, kind, pluginData: 'resolving' });
      return found.errors.length > 0 ? found : { path: found.path, external: found.external, sideEffects: false };
    });
  },
};

async function bundleCode() {
  const { metafile } = await build({
    entryPoints: [join(here, 'src/index.ts')],
    outfile: join(OUT, 'index.js'),
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'esm',
    conditions: ['@laurel/source'],
    external: Object.keys(dependencies),
    plugins: [withoutSideEffects],
    legalComments: 'inline',
    metafile: true,
    logLevel: 'warning',
  });
  // 1. A package that is imported but not declared would be missing from an install: esbuild bundles it silently.
  const foreign = Object.values(metafile.outputs)
    .flatMap(({ inputs }) => Object.entries(inputs))
    .flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 && path.includes('node_modules') ? [path] : []));
  if (foreign.length > 0) throw new Error(`add to dependencies what is bundled now: ${foreign.join(', ')}`);
  // 2. A library that is tested with one version must not be shipped with another.
  for (const own of OWN) {
    const manifest = await manifestOf(own);
    for (const [name, range] of Object.entries(manifest.dependencies ?? {})) {
      if (name in dependencies && dependencies[name] !== range) {
        throw new Error(`${name} is ${dependencies[name]} here and ${range} in ${own}`);
      }
    }
  }
}

/** The declarations of our libraries are part of the bundle, so they are resolved to files. */
const ownTypes = {
  name: 'own-types',
  async resolveId(id) {
    const own = OWN.find((name) => id === name || id.startsWith(`${name}/`));
    if (own === undefined) return null;
    const { exports } = await manifestOf(own);
    return join(folderOf(own), exports[`.${id.slice(own.length)}`].types);
  },
};

async function bundleTypes() {
  const bundle = await rollup({
    input: join(here, 'dist/index.d.ts'),
    external: [/^node:/, ...Object.keys(dependencies)],
    plugins: [ownTypes, dts()],
    onwarn: (warning) => {
      throw new Error(warning.message);
    },
  });
  const { output } = await bundle.write({ file: join(OUT, 'index.d.ts') });
  await bundle.close();
  // A type from elsewhere would make a user install that package's types, too.
  const foreign = output.flatMap((chunk) => chunk.imports);
  if (foreign.length > 0) throw new Error(`the declarations need ${foreign.join(', ')}`);
}

await rm(OUT, { recursive: true, force: true });
await Promise.all([bundleCode(), bundleTypes()]);
