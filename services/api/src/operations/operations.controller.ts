import { Controller, Inject } from '@nestjs/common';
import { checkNames, findingCodes, severities, type CheckOutcome } from '@laurel/clickhouse';
import { placeOfLetter } from '@laurel/events';
import { signalIds } from '@laurel/fair-play';
import { classifyKafkaFailure } from '@laurel/kafka';
import { dayKey } from '@laurel/usage';
import { z } from 'zod';
import { component } from '../http/components.js';
import { Endpoint, JSON_TYPE, Serves } from '../http/endpoint.js';
import { passingProblem } from '../http/problem.js';
import { Startup } from '../startup.js';
import { OperationsReads, type Operations } from './operations.js';

const pace = component(
  'LedgerPace',
  z.object({
    stored: z.number().describe('records that were stored, repeats among them'),
    dead: z.number().describe('records that became dead letters'),
    duplicates: z.number().describe('records that were the same as others of their batch'),
  }),
);

const outcomeSchema = z.object({
  ended_at: z.iso.datetime().describe('when the audit that made it had ended'),
  first_day: z.iso.date().nullable().describe('the first day that was compared; null where that were all'),
  compared: z.string().describe('what, and how much, for a person'),
  finished: z.boolean().describe('false when a part of it could not be compared'),
  findings: z
    .array(
      z.object({
        code: z.enum(findingCodes),
        severity: z.enum(severities).describe('a warning is no breach of the guarantee'),
        found: z.int().min(1),
        healed: z.int().min(0).describe('of those, how many were mended, and then found right'),
      }),
    )
    .readonly(),
});

const operationsSchema = component(
  'Operations',
  z.object({
    as_of: z.iso.datetime(),
    lags: z
      .array(
        z.object({
          group: z.string().describe('without the prefix of the installation, as the topic'),
          topic: z.string(),
          behind: z.number().nullable().describe('records yet to be committed; null for a group that never was here'),
        }),
      )
      .readonly(),
    newest_batch_at: z.iso.datetime().nullable().describe('when events or outcomes were stored last'),
    last_hour: pace,
    last_day: pace,
    audit: z
      .array(
        z.object({
          check: z.enum(checkNames),
          last: outcomeSchema.nullable().describe('null before the first audit that made it'),
        }),
      )
      .readonly()
      .describe('each check of laurel audit, and what it came to last; audits that were interrupted do not count'),
    dead_letters: z
      .array(
        z.object({
          rejected_at: z.iso.datetime(),
          code: z.string(),
          field: z.string().nullable(),
          message: z.string(),
          place: z.string().describe('topic/partition/offset of the record; laurel dead-letters show takes it'),
        }),
      )
      .readonly()
      .describe('the newest ones, sent again or not, the newest first; 50 at most'),
    fair_play: z
      .object({
        first_day: z.iso.date(),
        people: z.number(),
        person_days: z.number(),
        signals: z.array(z.object({ signal: z.enum(signalIds), person_days: z.number() })).readonly(),
      })
      .describe('how many closed days of how many people stand out; whose, laurel fair-play tells'),
  }),
);
type OperationsJson = Readonly<z.output<typeof operationsSchema>>;

const operationsEndpoint = new Endpoint({
  id: 'getOperations',
  path: '/v1/operations',
  tag: 'Operations',
  access: 'operations:read',
  summary: 'How the pipeline is',
  description:
    'What is waiting, what was stored and refused of late, what the last audit found, and how much stands out. Of Kafka and the tables, some seconds old at most.',
  answer: { description: 'As of now', content: { [JSON_TYPE]: operationsSchema } },
  problems: ['starting', 'storage_unavailable'],
});

@Controller()
export class OperationsController {
  constructor(
    @Inject(OperationsReads) private readonly reads: OperationsReads,
    @Inject(Startup) private readonly startup: Startup,
  ) {}

  @Serves(operationsEndpoint)
  async operations(): Promise<OperationsJson> {
    this.startup.requireDatabase();
    const now = await this.reads.get().catch((error: unknown) => {
      if (classifyKafkaFailure(error) !== 'retriable') throw error;
      throw passingProblem('storage_unavailable', 'Kafka does not answer; try again shortly.', error);
    });
    return operationsJson(now);
  }
}

const operationsJson = ({
  atMs,
  lags,
  ledger,
  checks,
  deadLetters,
  flagged,
  firstDay,
}: Operations): OperationsJson => ({
  as_of: new Date(atMs).toISOString(),
  lags,
  newest_batch_at: ledger.newestAtMs === null ? null : new Date(ledger.newestAtMs).toISOString(),
  last_hour: ledger.lastHour,
  last_day: ledger.lastDay,
  audit: checkNames.map((check) => {
    const last = checks.find((one) => one.check === check);
    return { check, last: last === undefined ? null : outcomeJson(last) };
  }),
  dead_letters: deadLetters.map((letter) => ({
    rejected_at: new Date(letter.rejected_at).toISOString(),
    code: letter.code,
    field: letter.field,
    message: letter.message,
    place: placeOfLetter(letter),
  })),
  fair_play: {
    first_day: dayKey(firstDay),
    people: flagged.people,
    person_days: flagged.personDays,
    signals: signalIds.map((signal) => ({ signal, person_days: flagged.bySignal[signal] ?? 0 })),
  },
});

const outcomeJson = ({ endedAtMs, firstDay, compared, finished, findings }: CheckOutcome) => ({
  ended_at: new Date(endedAtMs).toISOString(),
  first_day: firstDay === null ? null : dayKey(firstDay),
  compared,
  finished,
  findings,
});
