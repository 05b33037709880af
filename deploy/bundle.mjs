/**
 * Makes one file, dist/main.js, of a program's compiled modules (from dist/program.js on) and of what they import, as Node takes several times as
 * long to find some two thousand files as to read one: `node deploy/bundle.mjs <project folder>`, run by `nx build`.
 *
 * Not minified: names and lines of an error are those of the file.
 */
import { join } from 'node:path';
import { build } from 'esbuild';

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('which project? node deploy/bundle.mjs <project folder>');

/** Native code, and what hardly any run loads. */
const APART = ['@node-rs/crc32', 'lz4-napi', 'apache-arrow'];

/** A package that another one would like to have and that is not installed is asked for when it runs, as without a bundle. */
const optional = {
  name: 'optional',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /^[^./]/ }, async ({ path, importer, resolveDir, kind, pluginData }) => {
      if (pluginData === 'resolving' || !importer.includes('node_modules')) return undefined;
      const found = await resolve(path, { importer, resolveDir, kind, pluginData: 'resolving' });
      return found.errors.length > 0 ? { path, external: true } : found;
    });
  },
};

const dist = join(folder, 'dist');
await build({
  entryPoints: [join(dist, 'program.js')],
  // As far below the project's folder as the modules of its first level, so that files are found from here as from there.
  outfile: join(dist, 'main.js'),
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  format: 'esm',
  external: APART,
  plugins: [optional],
  // Nest tells modules apart by the names of their classes.
  keepNames: true,
  // For modules of the older kind, which call it.
  banner: {
    js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
  },
  legalComments: 'linked',
  logLevel: 'warning',
});
