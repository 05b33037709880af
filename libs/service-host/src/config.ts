import { accessSync, constants, statSync } from 'node:fs';
import { isIP } from 'node:net';
import { z } from 'zod';

/** One setting: the environment variable it is read from, and what it may be. */
export interface Setting<T> {
  readonly variable: string;
  readonly schema: z.ZodType<T>;
  /** For --help and docs/reference/configuration.md. */
  readonly description: string;
  /** As it would be written in the environment; undefined when there is none. */
  readonly defaultText?: string | undefined;
  readonly secret?: boolean;
}

export type Settings = Readonly<Record<string, Setting<unknown>>>;
export type ConfigOf<S extends Settings> = { readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never };

export interface ConfigFault {
  readonly variable: string;
  readonly message: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads every setting and reports every fault at once. An empty variable counts as absent. */
export function readConfig<S extends Settings>(
  settings: S,
  environment: Environment,
): { readonly config: ConfigOf<S> } | { readonly faults: readonly ConfigFault[] } {
  const faults: ConfigFault[] = [];
  const config: Record<string, unknown> = {};
  for (const [name, { variable, schema, defaultText }] of Object.entries(settings)) {
    const given = environment[variable];
    const text = given === undefined || given === '' ? defaultText : given;
    const parsed = schema.safeParse(text);
    if (parsed.success) config[name] = parsed.data;
    else if (text === undefined) faults.push({ variable, message: 'is required' });
    else faults.push(...parsed.error.issues.map(({ message }) => ({ variable, message })));
  }
  return faults.length === 0 ? { config: config as ConfigOf<S> } : { faults };
}

type Options = Pick<Setting<unknown>, 'description' | 'secret'> & { readonly default?: string };

function setting<T>(variable: string, schema: z.ZodType<T>, options: Options): Setting<T> {
  return {
    variable,
    schema,
    description: options.description,
    defaultText: options.default,
    ...(options.secret === undefined ? {} : { secret: options.secret }),
  };
}

const isUrl = (text: string, protocols: readonly string[]): boolean =>
  URL.canParse(text) && protocols.includes(new URL(text).protocol);

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

const isHostAndPort = (one: string): boolean => {
  const port = /^(?:[^\s:/]+|\[[^\]]+\]):(\d+)$/.exec(one)?.[1];
  return port !== undefined && Number(port) >= 1 && Number(port) <= 65_535;
};

export const text = (variable: string, options: Options): Setting<string> => setting(variable, z.string(), options);
export const optionalText = (variable: string, options: Options): Setting<string | undefined> =>
  setting(variable, z.string().optional(), options);
/** The path of a file that this process can read now. */
export const optionalFile = (variable: string, options: Options): Setting<string | undefined> =>
  setting(variable, z.string().refine(isReadable, 'is not a file that can be read').optional(), options);
export const integer = (variable: string, min: number, max: number, options: Options): Setting<number> =>
  setting(
    variable,
    z
      .string()
      .regex(/^-?\d+$/, 'is not a whole number')
      .transform(Number)
      .refine((value) => value >= min && value <= max, `is not within ${min} … ${max}`),
    options,
  );
export const choice = <const T extends readonly [string, ...string[]]>(
  variable: string,
  choices: T,
  options: Options,
): Setting<T[number]> => setting(variable, z.enum(choices, { error: `is not one of ${choices.join(', ')}` }), options);
export const yesNo = (variable: string, options: Options): Setting<boolean> =>
  setting(
    variable,
    z.enum(['true', 'false'], { error: 'is neither true nor false' }).transform((value) => value === 'true'),
    options,
  );
export const httpUrl = (variable: string, options: Options): Setting<string> =>
  setting(
    variable,
    z.string().refine((value) => isUrl(value, ['http:', 'https:']), 'is not an http(s) URL'),
    options,
  );
export const optionalHttpUrl = (variable: string, options: Options): Setting<string | undefined> =>
  setting(
    variable,
    z
      .string()
      .refine((value) => isUrl(value, ['http:', 'https:']), 'is not an http(s) URL')
      .optional(),
    options,
  );
/** At least 32 characters, none of which is a space: what was drawn by chance, and not a word. */
export const optionalSecret = (variable: string, options: Options): Setting<string | undefined> =>
  setting(
    variable,
    z
      .string()
      .regex(/^\S{32,}$/, 'has fewer than 32 characters, or spaces')
      .optional(),
    { ...options, secret: true },
  );

/** None when it is empty. */
const list = (text: string): readonly string[] => (text === '' ? [] : text.split(',').map((one) => one.trim()));

/** Addresses, or networks as 10.0.0.0/8. */
export const networkList = (variable: string, options: Options): Setting<readonly string[]> =>
  setting(
    variable,
    z
      .string()
      .transform(list)
      .refine((all) => all.every(isNetwork), 'is not a comma-separated list of addresses or networks'),
    options,
  );

/** Origins as a browser sends them: https://host, with a port unless it is the usual one. */
export const originList = (variable: string, options: Options): Setting<readonly string[]> =>
  setting(
    variable,
    z
      .string()
      .transform(list)
      .refine(
        (all) => all.every((one) => URL.canParse(one) && new URL(one).origin === one),
        'is not a comma-separated list of origins, as https://dashboards.example.com',
      ),
    options,
  );

function isNetwork(text: string): boolean {
  const [address = '', prefix, more] = text.split('/');
  const version = isIP(address);
  if (version === 0 || more !== undefined) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128));
}

export const hostList = (variable: string, options: Options): Setting<readonly string[]> =>
  setting(
    variable,
    z
      .string()
      .transform((list) => list.split(',').map((one) => one.trim()))
      .refine((list) => list.every(isHostAndPort), 'is not a comma-separated list of host:port'),
    options,
  );

/** The settings as a table for --help and the documentation. */
export function describeSettings(
  settings: Settings,
): readonly (readonly [variable: string, standard: string, description: string])[] {
  return Object.values(settings).map(({ variable, defaultText, description, schema }) => [
    variable,
    defaultText ?? (schema.safeParse(undefined).success ? '–' : 'required'),
    description,
  ]);
}
