import { Controller, Inject, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Authentication } from '../access/authenticate.js';
import { Endpoint, EVENT_STREAM, Serves } from '../http/endpoint.js';
import { EventStreams } from '../http/event-streams.js';
import { FiguresFeed } from './figures-feed.js';
import { FiguresStream } from './figures-stream.js';

const figuresEndpoint = new Endpoint({
  id: 'streamFigures',
  path: '/v1/figures/stream',
  tag: 'Usage',
  access: 'board:read',
  summary: 'That figures have changed',
  description: `Server-sent events: \`ready\`, then \`figures\` (data: {"version": …}) now and whenever any figure, or how anybody is shown, may be another one,
at most every four seconds; \`away\` while the figures can't be read; and \`closing\` when the server ends the stream. For whoever shows more than one board:
read again what is shown.`,
  parameters: { query: {} },
  answer: { description: 'An endless stream of events', content: { [EVENT_STREAM]: z.string() } },
  problems: ['too_many_streams'],
});

@Controller()
export class FiguresController {
  constructor(
    @Inject(FiguresFeed) private readonly feed: FiguresFeed,
    @Inject(EventStreams) private readonly streams: EventStreams,
    @Inject(Authentication) private readonly authentication: Authentication,
  ) {}

  @Serves(figuresEndpoint)
  stream(@Query() query: unknown, @Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    figuresEndpoint.read({ query });
    this.streams.send(
      reply,
      'figures',
      () => this.authentication.stillMay(request, 'board:read'),
      (options, onStalled) => new FiguresStream(this.feed, options, onStalled),
    );
  }
}
