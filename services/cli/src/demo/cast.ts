import { at, digest, pick } from './draw.js';

export interface DemoModel {
  readonly provider: string;
  readonly model: string;
}

/** A model that somebody likes to use. */
export interface Favourite extends DemoModel {
  /** How often, beside the person's other favourites; a whole number. */
  readonly leaning: number;
}

export interface DemoUser {
  readonly user_id: string;
  readonly team: string;
  readonly favourites: readonly Favourite[];
  /** How much comes of their sessions: 1 to 5. */
  readonly craft: number;
  /** By how many hundredths less came of them until 14 days ago. */
  readonly learned: number;
}

/** Who takes part in the demo. */
export interface Cast {
  readonly users: readonly DemoUser[];
  /** How often each user works, in the order of `users`: whole numbers with a heavy tail. */
  readonly activity: readonly number[];
}

const USERS = 300;

const TEAMS = {
  platform: 9,
  payments: 8,
  search: 7,
  mobile: 7,
  data: 6,
  web: 6,
  security: 5,
  'support-tools': 4,
  research: 4,
  infrastructure: 3,
  finance: 2,
  design: 2,
};
const teamNames = Object.keys(TEAMS);
const teamWeights = Object.values(TEAMS);

/** Real ids; two families occur under two ids each, as a company's tools name them with and without the date. */
const MODELS: readonly (DemoModel & { readonly popularity: number })[] = [
  { provider: 'anthropic', model: 'claude-sonnet-4-6', popularity: 22 },
  { provider: 'openai', model: 'gpt-5.4', popularity: 14 },
  { provider: 'anthropic', model: 'claude-opus-4-5', popularity: 10 },
  { provider: 'anthropic', model: 'claude-haiku-4-5-20251001', popularity: 10 },
  { provider: 'google', model: 'gemini-2.5-pro', popularity: 10 },
  { provider: 'openai', model: 'gpt-5.1-codex', popularity: 9 },
  { provider: 'anthropic', model: 'claude-opus-4-5-20251101', popularity: 8 },
  { provider: 'openai', model: 'gpt-5.4-mini', popularity: 8 },
  { provider: 'google', model: 'gemini-2.5-flash', popularity: 6 },
  { provider: 'openai', model: 'gpt-5.4-mini-2026-03-17', popularity: 5 },
  { provider: 'openrouter', model: 'moonshotai/kimi-k2', popularity: 4 },
  { provider: 'deepseek', model: 'deepseek-chat', popularity: 3 },
];

/** Weights of having 1, 2, … favourites. */
const FAVOURITE_COUNTS = [30, 35, 20, 10, 4, 1];
const LEANINGS = [100, 60, 30, 10];
const EVEN = LEANINGS.map(() => 1);

const CRAFTS = [1, 2, 3, 5];
const CRAFT_WEIGHTS = [40, 30, 20, 10];
const LESSONS = [0, 20, 40, 80];
const LESSON_WEIGHTS = [40, 30, 20, 10];

/** The same seed gives the same people. See docs/reference/demo-data.md. */
export function castOf(seed: string): Cast {
  const users = Array.from({ length: USERS }, (_, index) => userOf(seed, index));
  return { users, activity: users.map((_, index) => Math.floor(1_000_000 / (index + 3))) };
}

function userOf(seed: string, index: number): DemoUser {
  const favourites: Favourite[] = [];
  const popularity = MODELS.map((one) => one.popularity);
  const count = 1 + pick(`${seed}/user-favourites/${index}`, FAVOURITE_COUNTS);
  for (let nth = 0; nth < count; nth += 1) {
    const chosen = pick(`${seed}/user-favourite/${index}/${nth}`, popularity);
    popularity[chosen] = 0;
    const { provider, model } = at(MODELS, chosen);
    favourites.push({ provider, model, leaning: at(LEANINGS, pick(`${seed}/user-leaning/${index}/${nth}`, EVEN)) });
  }
  return {
    user_id: `u-${digest(`${seed}/user-id/${index}`).toString('hex').slice(0, 10)}`,
    team: at(teamNames, pick(`${seed}/user-team/${index}`, teamWeights)),
    favourites,
    craft: at(CRAFTS, pick(`${seed}/user-hand/${index}`, CRAFT_WEIGHTS)),
    learned: at(LESSONS, pick(`${seed}/user-gain/${index}`, LESSON_WEIGHTS)),
  };
}
