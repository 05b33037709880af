import { Controller, Inject, Query } from '@nestjs/common';
import { readAccesses, type ClickHouseClient } from '@laurel/clickhouse';
import { z } from 'zod';
import { CLICKHOUSE } from '../clickhouse.js';
import { component } from '../http/components.js';
import { Cursors } from '../http/cursors.js';
import { Endpoint, JSON_TYPE, Serves } from '../http/endpoint.js';
import { cursorParameter, limitParameter, userParameter } from '../http/parameters.js';
import { Startup } from '../startup.js';

const accessesSchema = component(
  'Accesses',
  z.object({
    accesses: z
      .array(
        z.object({
          at: z.iso.datetime(),
          action: z.enum(['look', 'export']).describe('look: at one person; export: a table of many'),
          user_id: z.string().nullable().describe('whose figures; null for a table'),
          reader: z.string().describe('a pseudonym, or token:<id>'),
          operation: z.string().describe('the operationId'),
          parameters: z.string().describe('the query of the request'),
          request_id: z.string(),
        }),
      )
      .readonly()
      .describe('the newest first'),
    next_cursor: z.string().nullable(),
  }),
);
type AccessesJson = Readonly<z.output<typeof accessesSchema>>;

const accessesEndpoint = new Endpoint({
  id: 'listAccesses',
  path: '/v1/access-log',
  tag: 'Access',
  access: 'access:read',
  summary: 'Who looked at whose figures, or took a table of them',
  description: `Kept for 400 days. A look that the same reader repeats within ten minutes is not written again. Who looks at their own figures, and
who is anonymous, is not written.`,
  parameters: {
    query: {
      user: userParameter.optional(),
      reader: userParameter.optional(),
      limit: limitParameter(100, 1000),
      cursor: cursorParameter,
    },
  },
  answer: { description: 'Those that match', content: { [JSON_TYPE]: accessesSchema } },
  problems: ['starting'],
});

/** What a cursor holds. */
const placeSchema = z.object({ atMs: z.number(), requestId: z.string() });

@Controller()
export class AccessLogController {
  constructor(
    @Inject(CLICKHOUSE) private readonly clickhouse: ClickHouseClient,
    @Inject(Startup) private readonly startup: Startup,
    @Inject(Cursors) private readonly cursors: Cursors,
  ) {}

  @Serves(accessesEndpoint)
  async accesses(@Query() query: unknown): Promise<AccessesJson> {
    const { user, reader, limit, cursor } = accessesEndpoint.read({ query }).query;
    this.startup.requireDatabase();
    const list = [accessesEndpoint.description.id, user ?? null, reader ?? null];
    const before = cursor === undefined ? undefined : placeSchema.parse(this.cursors.open(list, cursor));
    const found = await readAccesses(this.clickhouse, { userId: user, reader, before, limit: limit + 1 });
    const shown = found.slice(0, limit);
    const last = found.length > limit ? shown.at(-1) : undefined;
    return {
      accesses: shown.map((one) => ({
        at: new Date(one.atMs).toISOString(),
        action: one.action,
        user_id: one.userId === '' ? null : one.userId,
        reader: one.reader,
        operation: one.operation,
        parameters: one.parameters,
        request_id: one.requestId,
      })),
      next_cursor: last === undefined ? null : this.cursors.seal(list, { atMs: last.atMs, requestId: last.requestId }),
    };
  }
}
