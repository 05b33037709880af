import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = new URL('../../../', import.meta.url);
const SERVICES = ['usage-ingest', 'usage-projector', 'title-awarder', 'award-notifier', 'api'] as const;

interface Row {
  readonly standard: string;
  readonly usedBy: string;
  readonly meaning: string;
}

/** The rows of the page's one table, by variable. */
function documented(): ReadonlyMap<string, Row> {
  const page = readFileSync(new URL('docs/reference/configuration.md', ROOT), 'utf8');
  const rows = page.split('\n').flatMap((line) => {
    const cells = /^\| `(\w+)` \| (.*?) \| (.*?) \| (.*) \|$/.exec(line);
    return cells === null ? [] : [cells];
  });
  return new Map(
    rows.map(([, variable = '', standard = '', usedBy = '', meaning = '']) => [
      variable,
      { standard, usedBy, meaning },
    ]),
  );
}

/** What a service says about itself: `  VARIABLE  meaning (default)`. */
async function settingsOf(service: string): Promise<readonly (readonly [string, string, string])[]> {
  const program = fileURLToPath(new URL(`services/${service}/dist/main.js`, ROOT));
  const { stdout } = await run(process.execPath, [program, '--help']);
  return stdout.split('\n').flatMap((line) => {
    const [, variable, meaning, standard] = /^ {2}(LAUREL_\w+) +(.*) \((.*)\)$/.exec(line) ?? [];
    return variable === undefined || meaning === undefined || standard === undefined
      ? []
      : [[variable, standard, meaning] as const];
  });
}

const SOURCE = /\.(ts|cts|mjs|py|sh|yml|json)$/;

/** The variables that are named in a file, or in the sources under a folder. */
function variablesIn(path: string): readonly string[] {
  const file = fileURLToPath(new URL(path, ROOT));
  if (statSync(file).isDirectory()) {
    return readdirSync(file)
      .filter((name) => !name.startsWith('.') && name !== 'node_modules' && name !== 'dist')
      .flatMap((name) => variablesIn(`${path}/${name}`));
  }
  if (!SOURCE.test(path) || path.endsWith('.test.ts')) return [];
  return readFileSync(file, 'utf8').match(/\bLAUREL_[A-Z0-9_]*[A-Z0-9]\b/g) ?? [];
}

const asCell = (standard: string): string =>
  standard === '' || standard === '–' || standard === 'required' ? standard : `\`${standard}\``;

describe('docs/reference/configuration.md', () => {
  const page = documented();
  const settings = new Map<string, Map<string, { standard: string; meaning: string }>>();

  beforeAll(async () => {
    for (const service of SERVICES) {
      for (const [variable, standard, meaning] of await settingsOf(service)) {
        const services = settings.get(variable) ?? new Map<string, { standard: string; meaning: string }>();
        settings.set(variable, services.set(service, { standard, meaning }));
      }
    }
  });

  it('has every setting of every service, with its default and meaning', () => {
    expect(settings.size).toBeGreaterThan(20);
    const expected = [...settings].map(([variable, services]) => {
      const standards = [...new Set([...services.values()].map(({ standard }) => asCell(standard)))];
      const usedBy = services.size === SERVICES.length ? 'all services' : [...services.keys()].join(', ');
      const [meaning] = new Set([...services.values()].map((one) => one.meaning));
      return [variable, { standard: standards.join(', '), usedBy, meaning }];
    });
    const found = [...settings.keys()].map((variable) => [variable, page.get(variable)]);
    expect(found).toEqual(expected);
  });

  it('has no service’s setting that is none', () => {
    const others = [...page].filter(([variable]) => !settings.has(variable));
    expect(
      others.filter(([, { usedBy }]) => usedBy.includes('services') || SERVICES.some((one) => usedBy.includes(one))),
    ).toEqual([]);
  });

  it('has every variable of our own that anything in the repository reads', () => {
    const read = [
      ...new Set(['libs', 'services', 'deploy', 'examples', 'docker-compose.yml'].flatMap(variablesIn)),
    ].sort();
    expect(read.filter((variable) => !page.has(variable))).toEqual([]);
    expect([...page.keys()].filter((variable) => !read.includes(variable))).toEqual([]);
  });
});
