import { Controller, Inject, Query } from '@nestjs/common';
import { z } from 'zod';
import {
  evidenceSchema,
  holderJson,
  holderSchema,
  PeopleDirectory,
  personJson,
  personSchema,
  shownEvidence,
  shownValue,
} from '@laurel/policy';
import { isScopeOf, unitOf, type Scope } from '@laurel/titles';
import { AwardLog } from '../awards/award-log.js';
import { component } from '../http/components.js';
import { Endpoint, JSON_TYPE, Serves } from '../http/endpoint.js';
import { titleScopeParameter } from '../http/parameters.js';
import type { Rendered } from '../http/rendered.js';
import { RenderedAnswers } from '../http/rendered-answers.js';
import { Startup } from '../startup.js';
import { levelSchema, ruleJson, ruleShape, tiersSchema } from './rule-json.js';
import { STANDINGS, TitleReads, type TitleStandings } from './title-reads.js';

export const titleSchema = component(
  'Title',
  z.object({
    ...ruleShape,
    scope: z.string().describe('company, team:<team>, or family:<model family>'),
    tiers: tiersSchema
      .extend({
        levels: z
          .array(levelSchema.extend({ people: z.int().min(0).describe('how many have it now') }))
          .readonly()
          .describe('the lowest first'),
      })
      .nullable()
      .describe('what everybody who is eligible can reach; null where the rule has none'),
    holders: z
      .array(z.object({ ...personSchema.shape, ...holderSchema.shape }))
      .readonly()
      .describe('in the order of their awards; figures are as of the award'),
    standings: z
      .array(
        z.object({
          rank: z.int().min(1),
          ...personSchema.shape,
          value: z.number(),
          evidence: evidenceSchema,
        }),
      )
      .readonly()
      .describe('the best eligible people now'),
  }),
);
export type TitleJson = Readonly<z.output<typeof titleSchema>>;

export const titlesSchema = component('Titles', z.object({ titles: z.array(titleSchema).readonly() }));
export type TitlesJson = Readonly<z.output<typeof titlesSchema>>;

const titlesEndpoint = new Endpoint({
  id: 'listTitles',
  path: '/v1/titles',
  tag: 'Titles',
  access: 'board:read',
  summary: 'Each title of a scope: rule, holders with their evidence, the best five now',
  parameters: { query: { scope: titleScopeParameter } },
  answer: { description: 'In the order of the rules', content: { [JSON_TYPE]: titlesSchema } },
  problems: ['starting', 'storage_unavailable'],
});

@Controller()
export class TitlesController {
  constructor(
    @Inject(TitleReads) private readonly reads: TitleReads,
    @Inject(AwardLog) private readonly awards: AwardLog,
    @Inject(PeopleDirectory) private readonly people: PeopleDirectory,
    @Inject(Startup) private readonly startup: Startup,
    @Inject(RenderedAnswers) private readonly rendered: RenderedAnswers,
  ) {}

  @Serves(titlesEndpoint)
  async titles(@Query() query: unknown): Promise<Rendered<TitlesJson>> {
    const given = titlesEndpoint.read({ query });
    this.startup.requireDatabase();
    this.startup.requireTitles();
    this.startup.requirePeople();
    const standings = await this.reads.standings();
    const { scope } = given.query;
    const basis = [standings, this.awards.lastOffset, this.people.revision];
    return this.rendered.get<TitlesJson>([titlesEndpoint.description.id, scope], basis, () => ({
      titles: standings.filter(({ rule }) => isScopeOf(rule, scope)).map((one) => this.title(one, scope)),
    }));
  }

  private title({ rule, named, standings }: TitleStandings, scope: Scope): TitleJson {
    const said = ruleJson(rule, named);
    const people = this.awards.tierCounts(rule.id, scope);
    return {
      ...said,
      scope,
      tiers:
        said.tiers === null
          ? null
          : {
              ...said.tiers,
              levels: said.tiers.levels.map((level) => ({ ...level, people: people.get(level.tier) ?? 0 })),
            },
      holders: this.awards.holders(rule.id, scope).flatMap((award) => {
        const person = personJson(this.people, award.user_id);
        return person === undefined ? [] : [{ ...person, ...holderJson(award, this.people, person) }];
      }),
      standings: (standings.get(scope) ?? [])
        .filter(({ eligible }) => eligible)
        .slice(0, STANDINGS)
        .flatMap(({ rank, userId, value, evidence }) => {
          const person = personJson(this.people, userId);
          if (person === undefined) return [];
          const shown = shownValue(person.figures, unitOf(rule.metric), value);
          return [{ rank, ...person, value: shown, evidence: shownEvidence(evidence, this.people, person) }];
        }),
    };
  }
}
