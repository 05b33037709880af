import { Controller, Inject, Query } from '@nestjs/common';
import { readFlags, type ClickHouseClient } from '@laurel/clickhouse';
import { signalIds, signalText } from '@laurel/fair-play';
import { dayKey } from '@laurel/usage';
import { z } from 'zod';
import { selfOf } from '../access/access-guard.js';
import { CallerOf, type Caller } from '../access/caller.js';
import { CLICKHOUSE } from '../clickhouse.js';
import { component } from '../http/components.js';
import { Endpoint, JSON_TYPE, Serves } from '../http/endpoint.js';
import { windowParameter } from '../http/parameters.js';
import { Startup } from '../startup.js';
import { namedWindow, windowSchema } from '../usage/window-json.js';

const ownSignalsSchema = component(
  'OwnSignals',
  z.object({
    window: component('Window', windowSchema),
    signals: z
      .array(
        z.object({
          day: z.iso.date(),
          signal: z.enum(signalIds),
          text: z.string().describe('the figures that it rests on, in plain words'),
          evidence: z
            .record(z.string(), z.string())
            .describe('they themselves: whole numbers in decimal digits, instants in ms since the epoch likewise'),
          review: z
            .object({
              counts: z.boolean().describe('whether the day counts for titles that leave such days out'),
              reason: z.string(),
            })
            .nullable()
            .describe('what came of it when somebody looked into the day; null where nobody has'),
        }),
      )
      .readonly()
      .describe('the newest first'),
  }),
);
type OwnSignalsJson = Readonly<z.output<typeof ownSignalsSchema>>;

const ownSignalsEndpoint = new Endpoint({
  id: 'getOwnSignals',
  path: '/v1/me/signals',
  tag: 'People',
  access: 'self',
  summary: 'Which of one’s own days stand out',
  description: `Of closed UTC days, for the one who is signed in alone. A signal is no verdict: each has an honest reason too. A rule of a title may leave
such days out, unless a review says that they count.`,
  parameters: { query: { window: windowParameter } },
  answer: { description: 'Of the window', content: { [JSON_TYPE]: ownSignalsSchema } },
  problems: ['starting', 'storage_unavailable'],
});

@Controller()
export class OwnSignalsController {
  constructor(
    @Inject(CLICKHOUSE) private readonly clickhouse: ClickHouseClient,
    @Inject(Startup) private readonly startup: Startup,
  ) {}

  @Serves(ownSignalsEndpoint)
  async signals(@CallerOf() caller: Caller, @Query() query: unknown): Promise<OwnSignalsJson> {
    const given = ownSignalsEndpoint.read({ query }).query;
    // Where nobody has to sign in, whoever asks may have a self, but nobody knows whose.
    const userId = selfOf(caller, undefined);
    this.startup.requireDatabase();
    const { window, json } = namedWindow(given.window, Date.now());
    const days = { first: window.firstDay, last: window.lastDay };
    const found = await readFlags(this.clickhouse, { ...days, userId });
    return {
      window: json,
      signals: found.map(({ day, signal, evidence, review }) => ({
        day: dayKey(day),
        signal,
        text: signalText(signal, evidence),
        evidence: { ...evidence },
        review,
      })),
    };
  }
}
