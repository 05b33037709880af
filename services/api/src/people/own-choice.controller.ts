import { Body, Controller, Inject, Query } from '@nestjs/common';
import { personFiguresValues, personVisibilityValues } from '@laurel/events';
import { PeopleDirectory, profileFaultTexts, type ProfileChange, type ProfileFault } from '@laurel/policy';
import { generatedHandle } from '@laurel/titles';
import { z } from 'zod';
import { selfOf } from '../access/access-guard.js';
import { CallerOf, type Caller } from '../access/caller.js';
import { component } from '../http/components.js';
import { Endpoint, JSON_TYPE, Serves } from '../http/endpoint.js';
import { userParameter } from '../http/parameters.js';
import { Problem } from '../http/problem.js';
import { Startup } from '../startup.js';
import { ChoiceWriter } from './choice-writer.js';

const visibility = z
  .enum(personVisibilityValues)
  .describe('name: beside the handle; handle: by it alone; hidden: in no list, and counted in totals');
const figures = z.enum(personFiguresValues).describe('how exactly others see their figures');
const name = z.string().nullable().describe('1 to 80 characters; shown where visibility is name; null takes it away');
const handle = z
  .string()
  .nullable()
  .describe('3 to 32 of a to z, digits and one of - _ . between words; null goes back to the generated one');

const ownChoiceSchema = component(
  'OwnChoice',
  z.object({
    user_id: z.string(),
    visibility,
    figures,
    name: z.string().nullable().describe('what was given, shown or not'),
    handle: z.string().nullable().describe('chosen; null: the generated one'),
    generated_handle: z.string(),
    chosen_by: z.enum(['self', 'admin']).nullable().describe('who entered it; null: the company’s default holds'),
    chosen_at: z.iso.datetime().nullable(),
  }),
);
type OwnChoiceJson = Readonly<z.output<typeof ownChoiceSchema>>;

const shared = { path: '/v1/me/choice', tag: 'People', access: 'self' } as const;
const answer = { description: 'What holds now', content: { [JSON_TYPE]: ownChoiceSchema } } as const;
const query = {
  user: userParameter
    .optional()
    .describe('who asks, where nobody can sign in and everything is open; else absent, or whoever is signed in'),
};
const writing = ['starting', 'choice_not_written', 'storage_unavailable'] as const;

const readEndpoint = new Endpoint({
  ...shared,
  id: 'getOwnChoice',
  summary: 'How one is shown to others',
  parameters: { query },
  answer,
  problems: ['starting'],
});

const changeEndpoint = new Endpoint({
  ...shared,
  id: 'changeOwnChoice',
  method: 'PATCH',
  summary: 'Changes how one is shown to others',
  description: `What is not named stays as it is. Who hides is in no answer that is begun after this one, at other instances some hundredths of a second later; who
shows themselves again is on a board with its next reading. Titles of whoever hides are passed on at the next evaluation.`,
  parameters: {
    query,
    body: {
      visibility: visibility.optional(),
      figures: figures.optional(),
      name: name.optional(),
      handle: handle.optional(),
    },
  },
  answer,
  problems: [...writing, 'handle_taken'],
});

const resetEndpoint = new Endpoint({
  ...shared,
  id: 'resetOwnChoice',
  method: 'DELETE',
  summary: 'Takes one’s choice back: the company’s default holds',
  parameters: { query },
  answer,
  problems: writing,
});

@Controller()
export class OwnChoiceController {
  constructor(
    @Inject(ChoiceWriter) private readonly writer: ChoiceWriter,
    @Inject(PeopleDirectory) private readonly people: PeopleDirectory,
    @Inject(Startup) private readonly startup: Startup,
  ) {}

  @Serves(readEndpoint)
  read(@CallerOf() caller: Caller, @Query() query: unknown): OwnChoiceJson {
    const self = selfOf(caller, readEndpoint.read({ query }).query.user);
    this.startup.requirePeople();
    return this.choiceOf(self);
  }

  @Serves(changeEndpoint)
  async change(@CallerOf() caller: Caller, @Query() query: unknown, @Body() body: unknown): Promise<OwnChoiceJson> {
    const given = changeEndpoint.read({ query, body });
    const self = selfOf(caller, given.query.user);
    const { name: displayName, ...rest } = given.body;
    const change: ProfileChange = {
      ...definedOf(rest),
      ...(displayName === undefined ? {} : { display_name: displayName }),
    };
    if (Object.keys(change).length === 0) throw invalid('body', 'it names nothing to change');
    this.requireAll();
    const changed = await this.writer.change(self, change, caller.kind === 'person' ? 'self' : 'admin');
    if (!changed.ok) throw refused(changed.code);
    return this.choiceOf(self);
  }

  @Serves(resetEndpoint)
  async reset(@CallerOf() caller: Caller, @Query() query: unknown): Promise<OwnChoiceJson> {
    const self = selfOf(caller, resetEndpoint.read({ query }).query.user);
    this.requireAll();
    await this.writer.reset(self);
    return this.choiceOf(self);
  }

  private requireAll(): void {
    this.startup.requireDatabase();
    this.startup.requirePeople();
  }

  private choiceOf(userId: string): OwnChoiceJson {
    const profile = this.people.profileOf(userId);
    const { visibility, figures } = profile ?? this.writer.standard;
    return {
      user_id: userId,
      visibility,
      figures,
      name: profile?.display_name ?? null,
      handle: profile?.handle ?? null,
      generated_handle: generatedHandle(userId),
      chosen_by: profile?.changed_by ?? null,
      chosen_at: profile === undefined ? null : new Date(profile.changed_at).toISOString(),
    };
  }
}

/** Which field is at fault. */
const fieldOf: Readonly<Record<Exclude<ProfileFault, 'handle_taken'>, string>> = {
  handle_length: 'handle',
  handle_characters: 'handle',
  handle_reserved: 'handle',
  name_missing: 'name',
  name_length: 'name',
  name_characters: 'name',
  invalid_user_id: 'user',
};

function refused(code: ProfileFault): Problem {
  const detail = profileFaultTexts[code];
  if (code === 'handle_taken') return new Problem('handle_taken', `${detail}; nothing was changed.`);
  return invalid(fieldOf[code], detail);
}

const invalid = (parameter: string, detail: string): Problem =>
  new Problem('invalid_parameter', `${parameter}: ${detail}; nothing was changed`, {
    errors: [{ parameter, in: parameter === 'user' ? 'query' : 'body', code: 'invalid', detail }],
  });

/** Without the fields that are there and undefined. */
const definedOf = <T extends object>(given: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
