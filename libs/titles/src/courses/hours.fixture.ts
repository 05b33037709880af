import { tokenClasses, type OutcomeEvent, type UsageEvent } from '@laurel/events';
import {
  activeMinutes,
  attendanceOf,
  costsBy,
  dayOf,
  hourOf,
  hourOfMinute,
  isCounted,
  modelFamily,
} from '@laurel/usage';
import type { PriceOf } from '../metrics/facts.js';
import { pointKinds } from '../metrics/points.js';
import type { Models } from './course-of.js';
import type { NumberedModel, PersonHours, UsageColumn, UsageHours } from './person-hours.js';

type Row<Column extends string> = { readonly hour: number } & Readonly<Record<Column, number>>;

function lists<Column extends string>(rows: readonly Row<Column>[], names: readonly Column[]) {
  const ordered = [...rows].sort((a, b) => a.hour - b.hour);
  return {
    hours: ordered.map(({ hour }) => hour),
    columns: Object.fromEntries(
      names.map((name) => [name, ordered.map((row): number => row[name])]),
    ) as unknown as Readonly<Record<Column, readonly number[]>>,
  };
}

const usageColumns: readonly UsageColumn[] = [
  ...tokenClasses,
  'list_cost',
  'cache_saving',
  'unpriced_events',
  'events',
];

/** Events as people's hours, a row for each event. */
export class HoursFixture {
  private readonly numbers = new Map<string, number>();
  private readonly named = new Map<number, NumberedModel>();

  constructor(private readonly priceOf: PriceOf) {}

  get models(): Models {
    return this.named;
  }

  usage(events: readonly UsageEvent[]): UsageHours {
    const rows = events
      .filter((event) => isCounted(event))
      .map((event) => {
        const [costs] = costsBy([event], () => '', this.priceOf).values();
        return {
          ...(event.tokens as Readonly<Record<(typeof tokenClasses)[number], number>>),
          hour: hourOf(event.occurred_at),
          model: this.numberOf(event),
          list_cost: Number(costs?.listCost ?? 0n),
          cache_saving: Number(costs?.cacheSaving ?? 0n),
          unpriced_events: costs?.unpricedEvents ?? 0,
          events: 1,
        };
      });
    const { hours, columns } = lists(rows, [...usageColumns, 'model' as const]);
    return { hours, columns, models: columns.model };
  }

  person(
    userId: string,
    events: readonly UsageEvent[],
    outcomes: readonly OutcomeEvent[],
    flags: readonly number[],
  ): PersonHours {
    const counted = events.filter((event) => isCounted(event));
    const sessions = [...new Set(counted.flatMap(({ session_id: id }) => (id === null || id === '' ? [] : [id])))];
    const active = new Map(
      activeMinutes(counted).flatMap(({ sessionId, minutes }) =>
        minutes.map((minute) => [`${sessionId} ${minute}`, { sessionId, minute }] as const),
      ),
    );
    const ofSessions = new Map<string, { hour: number; session: number; early: number; late: number }>();
    for (const { session_id: id, occurred_at: at } of counted) {
      if (id === null || id === '') continue;
      ofSessions.set(`${id} ${hourOf(at)}`, { hour: hourOf(at), session: sessions.indexOf(id), early: 0, late: 0 });
    }
    for (const { sessionId, minute } of active.values()) {
      const row = ofSessions.get(`${sessionId} ${hourOfMinute(minute)}`);
      if (row === undefined) continue;
      const ofHour = minute % 60;
      if (ofHour < 32) row.early = (row.early | (1 << ofHour)) >>> 0;
      else row.late = (row.late | (1 << (ofHour - 32))) >>> 0;
    }
    const { hours, columns } = lists([...ofSessions.values()], ['session', 'early', 'late']);
    const attended = attendanceOf(counted).map(({ hour, tokens, ownMinutes }) => ({
      hour,
      tokens: Number(tokens),
      own_minutes: ownMinutes,
    }));
    const made = outcomes
      .filter(({ retracted }) => !retracted)
      .map(({ occurred_at: at, kind, quantity }) => ({
        hour: hourOf(at),
        ...(Object.fromEntries(pointKinds.map((one) => [one, one === kind ? quantity : 0])) as Record<
          (typeof pointKinds)[number],
          number
        >),
      }));
    return {
      userId,
      usage: this.usage(events),
      attended: lists(attended, ['tokens', 'own_minutes']),
      sessions: { hours, sessions: columns.session, early: columns.early, late: columns.late },
      outcomes: lists(made, pointKinds),
      flags: new Map([['spike', flags]]),
      firstDay: Math.min(...counted.map(({ occurred_at: at }) => dayOf(at))),
    };
  }

  private numberOf({ provider, model }: UsageEvent): number {
    const key = `${provider} ${model}`;
    const number = this.numbers.get(key) ?? this.numbers.size;
    this.numbers.set(key, number);
    this.named.set(number, { provider, family: modelFamily(model) });
    return number;
  }
}
