import { z } from 'zod';
import { Endpoint, JSON_TYPE } from './endpoint.js';

const TAG = 'Operations';

const readyText = z.looseObject({ status: z.string().describe('ready, or not ready, with what was found beside it') });

/** What every service answers, by `@laurel/service-host`. */
export const hostEndpoints: readonly Endpoint[] = [
  new Endpoint({
    id: 'getHealth',
    path: '/health',
    tag: TAG,
    access: 'public',
    isProbe: true,
    summary: 'Whether the process answers',
    answer: { description: 'It does', content: { [JSON_TYPE]: z.object({ status: z.literal('ok') }) } },
    problems: [],
  }),
  new Endpoint({
    id: 'getReadiness',
    path: '/ready',
    tag: TAG,
    access: 'public',
    isProbe: true,
    summary: 'Whether everything can be answered',
    answer: { description: 'It can', content: { [JSON_TYPE]: readyText } },
    otherAnswers: [{ status: 503, description: 'Not yet, or not now', content: { [JSON_TYPE]: readyText } }],
    problems: [],
  }),
  new Endpoint({
    id: 'getMetrics',
    path: '/metrics',
    tag: TAG,
    access: 'public',
    isProbe: true,
    summary: 'Metrics in Prometheus’ text format',
    answer: { description: 'All of them', content: { 'text/plain': z.string() } },
    problems: [],
  }),
];
