import './charts.css';
import { useEffect, useMemo } from 'react';
import { shortText, wholeText } from '../words/numbers.js';
import { monthText, weekdayOf, weekdayText } from '../words/times.js';
import { heatLevels } from './heat.js';
import { useWidth } from './use-width.js';
import { useDayCursor } from './use-day-cursor.js';

const GAP = 3;
/** Of a day with its gap, in px: as large as the place allows, within these. */
const LEAST_STEP = 15;
const MOST_STEP = 22;
const SCALE_CELL = 12;
const LEFT = 34;
const TOP = 20;
const WEEKDAYS = [0, 2, 4];

interface CalendarProps {
  /** 'YYYY-MM-DD', ascending, every day. */
  readonly days: readonly string[];
  /** Decimal digits, of each. */
  readonly tokens: readonly string[];
}

/** A year, a column each week: on which days there was how much. */
export function Calendar({ days, tokens }: CalendarProps) {
  const levels = useMemo(() => heatLevels(tokens.map(Number)), [tokens]);
  const cursor = useDayCursor(days.length, 7);
  const [scroll, room] = useWidth();
  const offset = weekdayOf(days[0] ?? '1970-01-05');
  const weeks = Math.ceil((offset + days.length) / 7);
  const step = Math.max(LEAST_STEP, Math.min(MOST_STEP, Math.floor((room - LEFT) / weeks)));
  const cell = step - GAP;
  useEffect(() => {
    // Where it does not fit, the last weeks are what one looks for.
    scroll.current?.scrollTo({ left: scroll.current.scrollWidth });
  }, [scroll, step, weeks]);
  const placeOf = (index: number) => ({
    x: LEFT + Math.floor((offset + index) / 7) * step,
    y: TOP + ((offset + index) % 7) * step,
  });
  const active = tokens.filter((amount) => amount !== '0').length;
  const looked = cursor.index;
  const summary = `${wholeText(active)} active days of the last ${days.length}`;
  const [width, height] = [LEFT + weeks * step, TOP + 7 * step];
  return (
    <figure className="calendar">
      <div className="calendar__scroll" ref={scroll}>
        <svg
          className="calendar__days"
          viewBox={`0 0 ${width} ${height}`}
          width={width}
          height={height}
          role="application"
          aria-roledescription="calendar"
          aria-label={`${summary}. Arrow keys go from day to day.`}
          tabIndex={0}
          onKeyDown={cursor.onKeyDown}
          onPointerMove={cursor.onPointerMove}
          onPointerLeave={cursor.onPointerLeave}
          onFocus={cursor.onFocus}
          onBlur={cursor.onBlur}
        >
          {days.map((day, index) =>
            day.endsWith('-01') && placeOf(index).x < width - 2 * step ? (
              <text key={day} x={placeOf(index).x} y={12} className="calendar__label">
                {monthText(day)}
              </text>
            ) : null,
          )}
          {WEEKDAYS.map((weekday) => (
            <text key={weekday} x={0} y={TOP + weekday * step + cell - 2} className="calendar__label">
              {weekdayName(weekday)}
            </text>
          ))}
          {days.map((day, index) => (
            <rect
              key={day}
              {...placeOf(index)}
              width={cell}
              height={cell}
              rx={3}
              data-day={index}
              className={`heat-${levels[index] ?? 0} ${looked === index ? 'calendar__looked' : ''}`}
            />
          ))}
        </svg>
      </div>
      <figcaption className="calendar__caption">
        <span aria-live="polite">
          {looked === undefined ? summary : `${weekdayText(days[looked] ?? '')}: ${amountText(tokens[looked] ?? '0')}`}
        </span>
        <span className="calendar__scale" aria-hidden>
          Less
          {[0, 1, 2, 3, 4].map((level) => (
            <svg key={level} width={SCALE_CELL} height={SCALE_CELL}>
              <rect width={SCALE_CELL} height={SCALE_CELL} rx={3} className={`heat-${level}`} />
            </svg>
          ))}
          More
        </span>
      </figcaption>
    </figure>
  );
}

const amountText = (tokens: string): string => (tokens === '0' ? 'nothing' : `${shortText(tokens)} tokens`);

/** 1970-01-05 was a Monday. */
const weekdayName = (weekday: number): string => weekdayText(`1970-01-0${5 + weekday}`).replace(/[^\p{L}].*$/u, '');
