import { Controller, Inject, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Endpoint, JSON_TYPE, Serves } from '../http/endpoint.js';
import type { Json } from '../http/openapi.js';
import { REFERENCE_CSP, referencePage } from './reference-page.js';

export const OPENAPI = Symbol('openapi');

const HTML_TYPE = 'text/html';
const TAG = 'Reference';

const documentEndpoint = new Endpoint({
  id: 'getOpenApi',
  path: '/v1/openapi.json',
  tag: TAG,
  access: 'public',
  summary: 'This API as an OpenAPI 3.1 document',
  answer: { description: 'The document', content: { [JSON_TYPE]: z.looseObject({ openapi: z.string() }) } },
  problems: [],
});

const pageEndpoint = new Endpoint({
  id: 'getReference',
  path: '/v1/reference',
  tag: TAG,
  access: 'public',
  summary: 'The same as a page for people',
  answer: { description: 'A page without scripts', content: { [HTML_TYPE]: z.string() } },
  problems: [],
});

@Controller()
export class ReferenceController {
  private readonly page: string;

  constructor(@Inject(OPENAPI) private readonly document: Json) {
    this.page = referencePage(document);
  }

  @Serves(documentEndpoint)
  openApi(): Json {
    return this.document;
  }

  @Serves(pageEndpoint)
  reference(@Res() reply: FastifyReply): void {
    void reply.type(`${HTML_TYPE}; charset=utf-8`).header('content-security-policy', REFERENCE_CSP).send(this.page);
  }
}
