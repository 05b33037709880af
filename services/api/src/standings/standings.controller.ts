import { Controller, Headers, Inject, Param, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Authentication } from '../access/authenticate.js';
import { Endpoint, EVENT_STREAM, Serves } from '../http/endpoint.js';
import { EventStreams } from '../http/event-streams.js';
import { limitParameter, scopeParameter, windowParameter } from '../http/parameters.js';
import { Startup } from '../startup.js';
import { Leaderboards, type BoardQuery } from '../usage/leaderboards.js';
import { boardMetrics } from '../usage/statements.js';
import { StandingsFeed } from './standings-feed.js';
import { StandingsStream } from './standings-stream.js';

/** The id of standings: a hash of what they say. */
const standingsId = z
  .string()
  .regex(/^[\w-]{22}$/, 'is not the id of standings in this stream')
  .optional()
  .describe('the id of the last event that the client knows');

const standingsEndpoint = new Endpoint({
  id: 'streamLeaderboard',
  path: '/v1/leaderboards/:metric/stream',
  tag: 'Usage',
  access: 'board:read',
  summary: 'A board each time it says something else',
  description: `Server-sent events: \`ready\`, then \`standings\` (data: Standings) whenever the board has changed, at most once a second, and \`closing\` when
the server ends the stream. Each event is a whole board, and only the latest is sent: who is slow misses what was overtaken. The id is of what the board says,
so that \`Last-Event-ID\` (it wins over \`last_event_id\`) is answered with nothing until it says something else, by whatever instance.`,
  parameters: {
    path: {
      metric: z
        .enum(boardMetrics, { error: `is not one of ${boardMetrics.join(', ')}` })
        .describe('what the board is ordered by'),
    },
    header: { 'last-event-id': standingsId },
    query: {
      window: windowParameter,
      scope: scopeParameter,
      limit: limitParameter(100, 250),
      last_event_id: standingsId,
    },
  },
  answer: { description: 'An endless stream of events', content: { [EVENT_STREAM]: z.string() } },
  problems: ['too_many_streams'],
});

@Controller()
export class StandingsController {
  /** One for each board that anybody follows. */
  private readonly feeds = new Map<string, StandingsFeed>();

  constructor(
    @Inject(Leaderboards) private readonly leaderboards: Leaderboards,
    @Inject(EventStreams) private readonly streams: EventStreams,
    @Inject(Startup) private readonly startup: Startup,
    @Inject(Authentication) private readonly authentication: Authentication,
  ) {}

  @Serves(standingsEndpoint)
  stream(
    @Param() path: unknown,
    @Headers() headers: Readonly<Record<string, unknown>>,
    @Query() query: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): void {
    const given = standingsEndpoint.read({ path, header: headers, query });
    const { window, scope, limit, last_event_id: began } = given.query;
    const { metric } = given.path;
    const last = given.header['last-event-id'] ?? began;
    this.streams.send(
      reply,
      'standings',
      () => this.authentication.stillMay(request, 'board:read'),
      (options, onStalled) => {
        const feed = this.feed({ metric, window, scope }, limit);
        return new StandingsStream(feed, last, options, onStalled);
      },
    );
  }

  private feed(query: Omit<BoardQuery, 'atMs'>, limit: number): StandingsFeed {
    const key = JSON.stringify([query, limit]);
    const known = this.feeds.get(key);
    if (known !== undefined) return known;
    const feed = new StandingsFeed(
      async () => {
        this.startup.requireDatabase();
        this.startup.requirePeople();
        return (await this.leaderboards.page({ ...query, atMs: Date.now() }, limit)).standings;
      },
      () => this.feeds.delete(key),
    );
    this.feeds.set(key, feed);
    return feed;
  }
}
