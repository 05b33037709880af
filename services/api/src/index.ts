export { api } from './api.js';
export type { AwardJson, EvidenceJson, HolderJson } from '@laurel/policy';
export type { AwardsJson } from './awards/awards.controller.js';
export type { ParameterFault, ProblemCode, ProblemDetails } from './http/problem.js';
export type { TitleJson, TitlesJson } from './titles/titles.controller.js';
export type { CostsJson, FiguresJson } from './usage/figures-json.js';
export type { LeaderboardJson, ModelJson, ModelsJson, UserJson } from './usage/usage.controller.js';
export type { WindowJson } from './usage/window-json.js';
