import { Controller, Headers, Inject, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { awardJson, awardSchema, PeopleDirectory } from '@laurel/policy';
import { component } from '../http/components.js';
import { Endpoint, EVENT_STREAM, JSON_TYPE, Serves } from '../http/endpoint.js';
import { eventIdParameter, limitParameter, titleParameter, userParameter } from '../http/parameters.js';
import { Problem } from '../http/problem.js';
import { Startup } from '../startup.js';
import { AwardLog } from './award-log.js';
import { AwardStreams } from './award-streams.js';

export const awardsSchema = component(
  'Awards',
  z.object({ awards: z.array(component('Award', awardSchema)).readonly().describe('the newest first') }),
);
export type AwardsJson = Readonly<z.output<typeof awardsSchema>>;

const TAG = 'Awards';

const awardsEndpoint = new Endpoint({
  id: 'listAwards',
  path: '/v1/awards',
  tag: TAG,
  summary: 'Award events, the newest first',
  parameters: {
    query: {
      limit: limitParameter(100, 1000),
      title: titleParameter.optional(),
      user: userParameter.optional(),
    },
  },
  answer: { description: 'Those that match', content: { [JSON_TYPE]: awardsSchema } },
  problems: ['starting'],
});

const awardStreamEndpoint = new Endpoint({
  id: 'streamAwards',
  path: '/v1/awards/stream',
  tag: TAG,
  summary: 'Award events as they come',
  description: `Server-sent events: \`ready\`, then \`award\` for each (data: an Award), and \`closing\` when the server ends the stream.
The ids of events are offsets. \`Last-Event-ID\` resumes after an award; it wins over \`last_event_id\`, as a client that connects again repeats the
address it began with. Without either it begins with what is new.`,
  parameters: { header: { 'last-event-id': eventIdParameter }, query: { last_event_id: eventIdParameter } },
  answer: { description: 'An endless stream of events', content: { [EVENT_STREAM]: z.string() } },
  problems: [],
});

@Controller()
export class AwardsController {
  constructor(
    @Inject(AwardLog) private readonly log: AwardLog,
    @Inject(AwardStreams) private readonly streams: AwardStreams,
    @Inject(PeopleDirectory) private readonly people: PeopleDirectory,
    @Inject(Startup) private readonly startup: Startup,
  ) {}

  @Serves(awardsEndpoint)
  awards(@Query() query: unknown): AwardsJson {
    const given = awardsEndpoint.read({ query });
    this.startup.requireTitles();
    this.startup.requirePeople();
    const { limit, title, user } = given.query;
    // A person who is hidden has no awards here, like one who never had any.
    const isAskedFor = (userId: string): boolean =>
      user === undefined || (userId === user && !this.people.isHidden(userId));
    const found = this.log.newest(
      limit,
      (award) => (title === undefined || award.title_id === title) && isAskedFor(award.user_id),
    );
    return { awards: found.map((logged) => awardJson(logged, this.people)) };
  }

  @Serves(awardStreamEndpoint)
  stream(
    @Headers() headers: Readonly<Record<string, unknown>>,
    @Query() query: unknown,
    @Res() reply: FastifyReply,
  ): void {
    const given = awardStreamEndpoint.read({ header: headers, query });
    // Pipelined behind another answer: a stream would wait for it, and nobody would tell of the end of the connection.
    if (reply.raw.socket === null) {
      throw new Problem('malformed_request', 'A stream has to be the only request on its way in a connection.');
    }
    void reply.type('text/event-stream').header('x-accel-buffering', 'no');
    const after = given.header['last-event-id'] ?? given.query.last_event_id;
    void reply.send(this.streams.stream(reply.raw, after));
  }
}
