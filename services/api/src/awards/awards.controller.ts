import { Controller, Get, Headers, Inject, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { awardJson, PeopleDirectory, type AwardJson } from '@laurel/policy';
import { eventIdParameter, limitParameter, readParameters, titleParameter, userParameter } from '../http/parameters.js';
import { Problem } from '../http/problem.js';
import { Startup } from '../startup.js';
import { AwardLog } from './award-log.js';
import { AwardStreams } from './award-streams.js';

export interface AwardsJson {
  /** The newest first. */
  readonly awards: readonly AwardJson[];
}

@Controller('v1/awards')
export class AwardsController {
  constructor(
    @Inject(AwardLog) private readonly log: AwardLog,
    @Inject(AwardStreams) private readonly streams: AwardStreams,
    @Inject(PeopleDirectory) private readonly people: PeopleDirectory,
    @Inject(Startup) private readonly startup: Startup,
  ) {}

  @Get()
  awards(@Query() query: unknown): AwardsJson {
    const given = readParameters(
      {
        query: {
          limit: limitParameter(100, 1000),
          title: titleParameter.optional(),
          user: userParameter.optional(),
        },
      },
      { query },
    );
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

  /**
   * Server-sent events: `ready`, then `award` for each; their ids are offsets. `Last-Event-ID` resumes after an award;
   * it wins over `last_event_id`, as a client that connects again repeats the address it began with.
   */
  @Get('stream')
  stream(
    @Headers() headers: Readonly<Record<string, unknown>>,
    @Query() query: unknown,
    @Res() reply: FastifyReply,
  ): void {
    const given = readParameters(
      { header: { 'last-event-id': eventIdParameter }, query: { last_event_id: eventIdParameter } },
      { header: headers, query },
    );
    // Pipelined behind another answer: a stream would wait for it, and nobody would tell of the end of the connection.
    if (reply.raw.socket === null) {
      throw new Problem('malformed_request', 'A stream has to be the only request on its way in a connection.');
    }
    void reply.type('text/event-stream').header('x-accel-buffering', 'no');
    const after = given.header['last-event-id'] ?? given.query.last_event_id;
    void reply.send(this.streams.stream(reply.raw, after));
  }
}
