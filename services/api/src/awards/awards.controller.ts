import type { Readable } from 'node:stream';
import { Controller, Headers, Inject, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { awardJson, awardSchema, PeopleDirectory } from '@laurel/policy';
import { Authentication } from '../access/authenticate.js';
import { Exports } from '../access/exports.js';
import { component } from '../http/components.js';
import { Cursors } from '../http/cursors.js';
import { Endpoint, EVENT_STREAM, Serves } from '../http/endpoint.js';
import { EventStreams } from '../http/event-streams.js';
import {
  asOfParameter,
  cursorParameter,
  endOf,
  eventIdParameter,
  pageLimitParameter,
  STANDARD_PAGE,
  titleParameter,
  userParameter,
} from '../http/parameters.js';
import type { Rendered } from '../http/rendered.js';
import { RenderedAnswers } from '../http/rendered-answers.js';
import { formatAsked, jsonOrTable, mapped, tableFor } from '../tables/tables.js';
import { Startup } from '../startup.js';
import { AwardLog } from './award-log.js';
import { AwardStream } from './award-stream.js';

export const awardsSchema = component(
  'Awards',
  z.object({
    awards: z.array(component('Award', awardSchema)).readonly().describe('the newest first'),
    next_cursor: z.string().nullable().describe('for the `cursor` of what is older; null at the end'),
  }),
);
export type AwardsJson = Readonly<z.output<typeof awardsSchema>>;

const TAG = 'Awards';

const awardsEndpoint = new Endpoint({
  id: 'listAwards',
  path: '/v1/awards',
  tag: TAG,
  access: 'board:read',
  summary: 'Award events, the newest first',
  parameters: {
    query: {
      limit: pageLimitParameter,
      title: titleParameter.optional(),
      user: userParameter.optional(),
      as_of: asOfParameter,
      cursor: cursorParameter,
    },
  },
  answer: { description: 'Those that match, or a table of all of them', content: jsonOrTable(awardsSchema) },
  problems: ['not_acceptable', 'starting'],
});

const awardStreamEndpoint = new Endpoint({
  id: 'streamAwards',
  path: '/v1/awards/stream',
  tag: TAG,
  access: 'board:read',
  summary: 'Award events as they come',
  description: `Server-sent events: \`ready\`, then \`award\` for each (data: an Award), and \`closing\` when the server ends the stream.
The ids of events are offsets. \`Last-Event-ID\` resumes after an award; it wins over \`last_event_id\`, as a client that connects again repeats the
address it began with. Without either it begins with what is new.`,
  parameters: { header: { 'last-event-id': eventIdParameter }, query: { last_event_id: eventIdParameter } },
  answer: { description: 'An endless stream of events', content: { [EVENT_STREAM]: z.string() } },
  problems: ['too_many_streams'],
});

@Controller()
export class AwardsController {
  constructor(
    @Inject(AwardLog) private readonly log: AwardLog,
    @Inject(EventStreams) private readonly streams: EventStreams,
    @Inject(PeopleDirectory) private readonly people: PeopleDirectory,
    @Inject(Startup) private readonly startup: Startup,
    @Inject(Cursors) private readonly cursors: Cursors,
    @Inject(Exports) private readonly exports: Exports,
    @Inject(Authentication) private readonly authentication: Authentication,
    @Inject(RenderedAnswers) private readonly rendered: RenderedAnswers,
  ) {}

  @Serves(awardsEndpoint)
  async awards(
    @Query() query: unknown,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Rendered<AwardsJson> | Readable> {
    const given = awardsEndpoint.read({ query });
    const format = formatAsked(request.headers.accept);
    this.startup.requireTitles();
    this.startup.requirePeople();
    const { limit, title, user, as_of: asOf, cursor } = given.query;
    const list = [awardsEndpoint.description.id, title ?? null, user ?? null, asOf ?? null];
    const before = cursor === undefined ? undefined : z.number().parse(this.cursors.open(list, cursor));
    const untilMs = endOf(asOf);
    // A person who is hidden has no awards here, like one who never had any.
    const isAskedFor = (userId: string): boolean =>
      user === undefined || (userId === user && !this.people.isHidden(userId));
    const found = this.log.newest(
      (award) =>
        (title === undefined || award.title_id === title) && isAskedFor(award.user_id) && award.evaluated_at < untilMs,
      before,
    );
    if (format !== 'json') {
      await this.exports.allow(request, awardsEndpoint, { userId: user });
      const rows = mapped(found, (logged) => awardJson(logged, this.people), limit);
      return tableFor(reply, format, 'awards', { schema: awardSchema, rows });
    }
    const most = limit ?? STANDARD_PAGE;
    const basis = [this.log.lastOffset, this.people.revision];
    return this.rendered.get<AwardsJson>([...list, most, before ?? null], basis, () => {
      const page = [...mapped(found, (logged) => logged, most + 1)];
      const shown = page.slice(0, most);
      const last = page.length > shown.length ? shown.at(-1) : undefined;
      return {
        awards: shown.map((logged) => awardJson(logged, this.people)),
        next_cursor: last === undefined ? null : this.cursors.seal(list, last.offset),
      };
    });
  }

  @Serves(awardStreamEndpoint)
  stream(
    @Headers() headers: Readonly<Record<string, unknown>>,
    @Query() query: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): void {
    const given = awardStreamEndpoint.read({ header: headers, query });
    const after = given.header['last-event-id'] ?? given.query.last_event_id;
    this.streams.send(
      reply,
      'awards',
      () => this.authentication.stillMay(request, 'board:read'),
      (options, onStalled) =>
        new AwardStream(
          this.log,
          this.people,
          after,
          () => this.startup.hasTitles && this.startup.hasPeople,
          options,
          onStalled,
        ),
    );
  }
}
