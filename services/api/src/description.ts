import { readFile } from 'node:fs/promises';
import { AccessLogController } from './access/access-log.controller.js';
import { SignInController } from './access/sign-in.controller.js';
import { AwardsController } from './awards/awards.controller.js';
import { FiguresController } from './figures/figures.controller.js';
import { DOCUMENT } from './files.js';
import { endpointsOf } from './http/endpoint.js';
import { hostEndpoints } from './http/host-endpoints.js';
import { openApiDocument, type Json } from './http/openapi.js';
import { OperationsController } from './operations/operations.controller.js';
import { OwnChoiceController } from './people/own-choice.controller.js';
import { OwnSignalsController } from './people/own-signals.controller.js';
import { PeopleController } from './people/people.controller.js';
import { ReferenceController } from './reference/reference.controller.js';
import { StandingsController } from './standings/standings.controller.js';
import { TitleHoldersController } from './titles/title-holders.controller.js';
import { TitleRulesController } from './titles/title-rules.controller.js';
import { TitlesController } from './titles/titles.controller.js';
import { ModelDaysController } from './usage/model-days.controller.js';
import { TrendsController } from './usage/trends.controller.js';
import { UsageController } from './usage/usage.controller.js';

/** Of the contract under /v1, which grows but does not change. */
const API_VERSION = '1.0.0';

export const controllers = [
  UsageController,
  TrendsController,
  ModelDaysController,
  PeopleController,
  OwnSignalsController,
  OwnChoiceController,
  FiguresController,
  TitlesController,
  TitleRulesController,
  TitleHoldersController,
  AwardsController,
  StandingsController,
  SignInController,
  AccessLogController,
  OperationsController,
  ReferenceController,
];

/** What the API serves, as an OpenAPI document. */
export const readDescription = async (): Promise<Json> => JSON.parse(await readFile(DOCUMENT, 'utf8')) as Json;

/** The same from the schemas that validate, which takes most of a second: a test holds both equal. */
export const description = (): Json => openApiDocument([...endpointsOf(controllers), ...hostEndpoints], API_VERSION);
