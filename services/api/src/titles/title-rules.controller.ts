import { Controller, Inject, Query } from '@nestjs/common';
import { z } from 'zod';
import { AwardLog } from '../awards/award-log.js';
import { component } from '../http/components.js';
import { Endpoint, JSON_TYPE, Serves } from '../http/endpoint.js';
import type { Rendered } from '../http/rendered.js';
import { RenderedAnswers } from '../http/rendered-answers.js';
import { Startup } from '../startup.js';
import { ruleJson, ruleShape } from './rule-json.js';
import { TitleReads } from './title-reads.js';

export const titleRulesSchema = component(
  'TitleRules',
  z.object({
    titles: z
      .array(
        z.object({
          ...ruleShape,
          scope: z.enum(['company', 'each_team', 'each_model_family']).describe('whom it compares, as in the rule'),
          scopes: z
            .array(z.string())
            .readonly()
            .describe(
              'where it has people to compare, or a holder, now: team:<team> or family:<model family>; always company, where it compares everybody',
            ),
        }),
      )
      .readonly(),
  }),
);
export type TitleRulesJson = Readonly<z.output<typeof titleRulesSchema>>;

const titleRulesEndpoint = new Endpoint({
  id: 'listTitleRules',
  path: '/v1/titles/rules',
  tag: 'Titles',
  access: 'board:read',
  summary: 'Each rule in force, and the scopes in which it is awarded',
  parameters: { query: {} },
  answer: { description: 'In the order of the rules', content: { [JSON_TYPE]: titleRulesSchema } },
  problems: ['starting', 'storage_unavailable'],
});

@Controller()
export class TitleRulesController {
  constructor(
    @Inject(TitleReads) private readonly reads: TitleReads,
    @Inject(AwardLog) private readonly awards: AwardLog,
    @Inject(Startup) private readonly startup: Startup,
    @Inject(RenderedAnswers) private readonly rendered: RenderedAnswers,
  ) {}

  @Serves(titleRulesEndpoint)
  async rules(@Query() query: unknown): Promise<Rendered<TitleRulesJson>> {
    titleRulesEndpoint.read({ query });
    this.startup.requireDatabase();
    this.startup.requireTitles();
    const titles = await this.reads.standings();
    const basis = [titles, this.awards.lastOffset];
    return this.rendered.get<TitleRulesJson>([titleRulesEndpoint.description.id], basis, () => ({
      titles: titles.map(({ rule, named, standings }) => ({
        ...ruleJson(rule, named),
        scope: rule.scope,
        scopes: [
          ...new Set([
            // Also where nobody is eligible, and so nobody stands.
            ...(rule.scope === 'company' ? ['company'] : standings.keys()),
            ...this.awards.holdersOf(rule.id).map(({ scope }) => scope),
          ]),
        ].sort(),
      })),
    }));
  }
}
