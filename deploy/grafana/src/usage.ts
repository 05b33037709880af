import { DashboardBuilder, RowBuilder, type Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { figure, lines, rows, stacked } from './panels.js';
import { series, table } from './sources.js';

const TOTAL =
  't.input_tokens + t.cache_read_tokens + t.cache_write_5m_tokens + t.cache_write_1h_tokens + t.cache_write_tokens + t.output_tokens';
const INPUT =
  't.input_tokens + t.cache_read_tokens + t.cache_write_5m_tokens + t.cache_write_1h_tokens + t.cache_write_tokens';
const DAYS = '$__dateFilter(day)';
const HOURS = '$__timeFilter(hour)';
const WITHOUT_HIDDEN = 'Without people who are hidden.';
const EVERYBODY = 'Everybody, but for one to four hidden people of a model and day, and hidden people today.';

/** Figures of one row over the time that the dashboard shows. */
const total = (expression: string, from = 'company_usage_by_day', within = DAYS): string =>
  `SELECT ${expression} AS value FROM ${from} AS t WHERE ${within}`;
/** Figures by day, of the company. */
const byDay = (expression: string): string =>
  `SELECT toDateTime(day) AS time, ${expression} FROM company_usage_by_day AS t WHERE ${DAYS} GROUP BY time ORDER BY time`;

/** How AI is used, over the views for analysts. */
export const usage = (): Dashboard =>
  new DashboardBuilder('Laurel: usage')
    .uid('laurel-usage')
    .description(
      'Token volume as publishers reported it. It says nothing about anybody’s productivity. All days are UTC.',
    )
    .tags(['laurel'])
    .readonly()
    .time({ from: 'now-30d', to: 'now' })
    .timezone('browser')
    .refresh('1m')
    .withRow(new RowBuilder('The company'))
    .withPanel(
      figure({ title: 'Tokens', description: EVERYBODY, unit: 'short', width: 4 }, [table(total(`sum(${TOTAL})`))]),
    )
    .withPanel(
      figure({ title: 'Calls', description: EVERYBODY, unit: 'short', width: 4 }, [table(total('sum(t.events)'))]),
    )
    .withPanel(
      figure({ title: 'People', description: WITHOUT_HIDDEN, unit: 'short', width: 4 }, [
        table(total('uniqExact(t.user_id)', 'shown_usage_by_day')),
      ]),
    )
    .withPanel(
      figure(
        { title: 'Cost', description: `By list prices, an estimate. ${EVERYBODY}`, unit: 'currencyUSD', width: 4 },
        [table(total('toFloat64(sum(t.list_cost_usd))'))],
      ),
    )
    .withPanel(
      figure(
        {
          title: 'Saved by caching',
          description: `What reads from a cache have saved, less what writes to it cost more. ${EVERYBODY}`,
          unit: 'currencyUSD',
          width: 4,
        },
        [table(total('toFloat64(sum(t.cache_saving_usd))'))],
      ),
    )
    .withPanel(
      figure({ title: 'Read from a cache', description: `Of all input. ${EVERYBODY}`, unit: 'percentunit', width: 4 }, [
        table(total(`sum(t.cache_read_tokens) / sum(${INPUT})`)),
      ]),
    )
    .withPanel(
      stacked({ title: 'Tokens by kind', description: EVERYBODY, unit: 'short', width: 12 }, [
        series(
          byDay(`
            sum(t.input_tokens) AS input,
            sum(t.cache_read_tokens) AS "cache reads",
            sum(t.cache_write_5m_tokens + t.cache_write_1h_tokens + t.cache_write_tokens) AS "cache writes",
            sum(t.output_tokens) AS output`),
        ),
      ]),
    )
    .withPanel(
      lines(
        {
          title: 'Cost by day',
          description: `Estimates; no invoice is read. ${EVERYBODY}`,
          unit: 'currencyUSD',
          width: 12,
        },
        [
          series(
            byDay(`
            toFloat64(sum(t.list_cost_usd)) AS "by list prices",
            sum(t.cost_micro_usd) / 1e6 AS "as reported",
            toFloat64(sum(t.cache_saving_usd)) AS "saved by caching"`),
          ),
        ],
      ),
    )
    .withPanel(
      stacked({ title: 'Tokens by model', description: EVERYBODY, unit: 'short', width: 12 }, [
        series(`SELECT toDateTime(day) AS time, model, sum(${TOTAL}) AS tokens
          FROM company_usage_by_day AS t WHERE ${DAYS} GROUP BY time, model ORDER BY time, model`),
      ]),
    )
    .withPanel(
      rows({ title: 'Models', description: EVERYBODY, unit: 'short', width: 12 }, [
        table(`SELECT provider, model, sum(${TOTAL}) AS tokens, sum(t.events) AS calls, max(t.people) AS "most people a day",
            toFloat64(sum(t.list_cost_usd)) AS "list cost, USD", sum(t.unpriced_events) AS "calls without a price"
          FROM company_usage_by_day AS t WHERE ${DAYS} GROUP BY provider, model ORDER BY tokens DESC, provider, model LIMIT 50`),
      ]),
    )
    .withRow(new RowBuilder('Hours'))
    .withPanel(
      stacked({ title: 'Calls by outcome', description: WITHOUT_HIDDEN, unit: 'short', width: 12 }, [
        series(`SELECT hour AS time, toString(t.status) AS outcome, sum(t.events) AS calls
          FROM shown_usage AS t WHERE ${HOURS} GROUP BY time, outcome ORDER BY time, outcome`),
      ]),
    )
    .withPanel(
      stacked(
        {
          title: 'Calls by origin',
          description: `Asked by people, or by agents and tools for them. ${WITHOUT_HIDDEN}`,
          unit: 'short',
          width: 12,
        },
        [
          series(`SELECT hour AS time, toString(t.origin) AS origin, sum(t.events) AS calls
          FROM shown_usage AS t WHERE ${HOURS} GROUP BY time, origin ORDER BY time, origin`),
        ],
      ),
    )
    .withRow(new RowBuilder('Teams and people'))
    .withPanel(
      stacked(
        {
          title: 'Tokens by team',
          description: `Days on which at least five people of the team were active. ${WITHOUT_HIDDEN}`,
          unit: 'short',
          width: 12,
        },
        [
          series(`SELECT toDateTime(day) AS time, team, sum(${TOTAL}) AS tokens
            FROM team_usage_by_day AS t WHERE ${DAYS} GROUP BY time, team ORDER BY time, team`),
        ],
      ),
    )
    .withPanel(
      lines({ title: 'People by day', description: WITHOUT_HIDDEN, unit: 'short', width: 12 }, [
        series(`SELECT toDateTime(day) AS time, uniqExact(t.user_id) AS people
          FROM shown_usage_by_day AS t WHERE ${DAYS} GROUP BY time ORDER BY time`),
      ]),
    )
    .withPanel(
      rows(
        {
          title: 'Board',
          description: `The most tokens first, by pseudonym. ${WITHOUT_HIDDEN}`,
          unit: 'short',
          width: 24,
        },
        [
          table(`SELECT rank() OVER (ORDER BY tokens DESC) AS place, user_id, any(t.team) AS team, sum(${TOTAL}) AS tokens,
            sum(t.events) AS calls, round(sum(t.cache_read_tokens) / sum(${INPUT}), 3) AS "cache read share"
          FROM shown_usage_by_day AS t WHERE ${DAYS} GROUP BY user_id ORDER BY place, user_id LIMIT 100`),
        ],
      ),
    )
    .build();
