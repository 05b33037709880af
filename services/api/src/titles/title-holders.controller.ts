import { Controller, Inject, Query } from '@nestjs/common';
import { z } from 'zod';
import { holderJson, holderSchema, PeopleDirectory, personJson, personSchema } from '@laurel/policy';
import { AwardLog } from '../awards/award-log.js';
import { component } from '../http/components.js';
import { Endpoint, JSON_TYPE, Serves } from '../http/endpoint.js';
import { asOfParameter, endOf, titleScopeParameter } from '../http/parameters.js';
import { Startup } from '../startup.js';

export const titleHoldersSchema = component(
  'TitleHolders',
  z.object({
    holders: z
      .array(z.object({ title_id: z.string(), ...personSchema.shape, ...holderSchema.shape }))
      .readonly()
      .describe('by title, and in the order of their awards; figures are as of the award'),
  }),
);
export type TitleHoldersJson = Readonly<z.output<typeof titleHoldersSchema>>;

const titleHoldersEndpoint = new Endpoint({
  id: 'listTitleHolders',
  path: '/v1/titles/holders',
  tag: 'Titles',
  access: 'board:read',
  summary: 'Who holds the titles of a scope, or held them at the end of a day',
  description:
    'By the awards alone, so that it has titles too whose rules are no longer in force. Standings are of now only, see listTitles.',
  parameters: { query: { scope: titleScopeParameter, as_of: asOfParameter } },
  answer: { description: 'Each holder of each title', content: { [JSON_TYPE]: titleHoldersSchema } },
  problems: ['starting'],
});

@Controller()
export class TitleHoldersController {
  constructor(
    @Inject(AwardLog) private readonly awards: AwardLog,
    @Inject(PeopleDirectory) private readonly people: PeopleDirectory,
    @Inject(Startup) private readonly startup: Startup,
  ) {}

  @Serves(titleHoldersEndpoint)
  holders(@Query() query: unknown): TitleHoldersJson {
    const given = titleHoldersEndpoint.read({ query });
    this.startup.requireTitles();
    this.startup.requirePeople();
    return {
      holders: this.awards.heldIn(given.query.scope, endOf(given.query.as_of)).flatMap((award) => {
        const person = personJson(this.people, award.user_id);
        if (person === undefined) return [];
        return [{ title_id: award.title_id, ...person, ...holderJson(award, this.people, person) }];
      }),
    };
  }
}
