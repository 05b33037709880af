import { Controller, Inject, Query } from '@nestjs/common';
import { dayKey, type Day } from '@laurel/usage';
import { z } from 'zod';
import { component } from '../http/components.js';
import { Endpoint, JSON_TYPE, Serves } from '../http/endpoint.js';
import { windowParameter } from '../http/parameters.js';
import type { Rendered } from '../http/rendered.js';
import { RenderedAnswers } from '../http/rendered-answers.js';
import { Startup } from '../startup.js';
import { familyDaysJson, familyDaysSchema } from './model-days.js';
import { UsageReads } from './usage-reads.js';
import { namedWindow, windowSchema } from './window-json.js';

export const modelDaysSchema = component(
  'ModelDays',
  z.object({
    window: component('Window', windowSchema),
    days: z
      .array(z.iso.date())
      .readonly()
      .describe('every UTC day of the window, ascending; of all time, those from the first one with usage on'),
    ...familyDaysSchema.shape,
  }),
);
export type ModelDaysJson = Readonly<z.output<typeof modelDaysSchema>>;

const modelDaysEndpoint = new Endpoint({
  id: 'getModelDays',
  path: '/v1/models/days',
  tag: 'Usage',
  access: 'board:read',
  summary: 'Everybody’s usage by day and model family',
  description:
    'A family is shown by days only where each of its days may be shown: the one that is left out would else follow by subtraction.',
  parameters: { query: { window: windowParameter } },
  answer: { description: 'The most tokens first', content: { [JSON_TYPE]: modelDaysSchema } },
  problems: ['starting', 'storage_unavailable'],
});

@Controller()
export class ModelDaysController {
  constructor(
    @Inject(UsageReads) private readonly reads: UsageReads,
    @Inject(Startup) private readonly startup: Startup,
    @Inject(RenderedAnswers) private readonly rendered: RenderedAnswers,
  ) {}

  @Serves(modelDaysEndpoint)
  async days(@Query() query: unknown): Promise<Rendered<ModelDaysJson>> {
    const given = modelDaysEndpoint.read({ query });
    this.startup.requireDatabase();
    const { window, json } = namedWindow(given.query.window, Date.now());
    const rows = await this.reads.modelDays(window);
    return this.rendered.get<ModelDaysJson>([modelDaysEndpoint.description.id, given.query.window], [rows], () => {
      const first =
        given.query.window === 'all'
          ? rows.reduce<number>((least, { day }) => Math.min(least, day), window.lastDay)
          : window.firstDay;
      const days = Array.from({ length: window.lastDay - first + 1 }, (_, index) => (first + index) as Day);
      return { window: json, days: days.map(dayKey), ...familyDaysJson(rows, days) };
    });
  }
}
