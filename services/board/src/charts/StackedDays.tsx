import './charts.css';
import { scaleLinear } from 'd3-scale';
import { useId } from 'react';
import { shortText, tickText } from '../words/numbers.js';
import { shortDayText, weekdayText } from '../words/times.js';
import { useWidth } from './use-width.js';
import { useDayCursor } from './use-day-cursor.js';

const HEIGHT = 220;
const LEFT = 48;
const BOTTOM = 24;
const TOP = 10;

export interface Series {
  readonly key: string;
  readonly name: string;
  /** A class of theme/base.css or charts.css that gives it its colour. */
  readonly look: string;
  /** Of each day. */
  readonly amounts: readonly number[];
}

interface StackedDaysProps {
  readonly label: string;
  readonly days: readonly string[];
  /** From the bottom up. */
  readonly series: readonly Series[];
  readonly format?: (amount: number) => string;
  /** Of the axis. */
  readonly tick?: (amount: number) => string;
}

/** Amounts of each day above one another, with what they are at the day that is looked at, or altogether. */
export function StackedDays({ label, days, series, format = shortText, tick: tickOf = tickText }: StackedDaysProps) {
  const [place, width] = useWidth();
  const cursor = useDayCursor(days.length);
  const captionId = useId();
  const totals = days.map((_, day) => series.reduce((sum, { amounts }) => sum + (amounts[day] ?? 0), 0));
  const y = scaleLinear([0, Math.max(...totals, 1)], [HEIGHT - BOTTOM, TOP]).nice(4);
  const step = Math.max(1, (width - LEFT) / Math.max(1, days.length));
  const bar = Math.max(1, Math.min(26, step - Math.max(1, step * 0.22)));
  const everyDays = Math.ceil(56 / step);
  const looked = cursor.index;
  const amountOf = ({ amounts }: Series): number =>
    looked === undefined ? amounts.reduce((sum, one) => sum + one, 0) : (amounts[looked] ?? 0);
  const all = series.reduce((sum, one) => sum + amountOf(one), 0);
  return (
    <figure className="stacked">
      <div ref={place} className="stacked__place">
        {width === 0 ? null : (
          <svg
            width={width}
            height={HEIGHT}
            role="application"
            aria-roledescription="chart"
            aria-label={`${label}. Arrow keys go from day to day.`}
            aria-describedby={captionId}
            tabIndex={0}
            onKeyDown={cursor.onKeyDown}
            onPointerMove={cursor.onPointerMove}
            onPointerLeave={cursor.onPointerLeave}
            onFocus={cursor.onFocus}
            onBlur={cursor.onBlur}
          >
            {y.ticks(4).map((tick) => (
              <g key={tick}>
                <line className="stacked__line" x1={LEFT} x2={width} y1={y(tick)} y2={y(tick)} />
                <text className="stacked__tick" x={LEFT - 8} y={y(tick) + 4} textAnchor="end">
                  {tick === 0 ? '0' : tickOf(tick)}
                </text>
              </g>
            ))}
            {days.map((day, index) => {
              const x = LEFT + index * step;
              let top = 0;
              return (
                <g
                  key={day}
                  data-day={index}
                  className={looked === undefined || looked === index ? '' : 'stacked__dim'}
                >
                  <rect x={x} y={TOP} width={step} height={HEIGHT - TOP - BOTTOM} className="stacked__catch" />
                  {series.map(({ key, look, amounts }) => {
                    const amount = amounts[index] ?? 0;
                    const from = top;
                    top += amount;
                    return amount <= 0 ? null : (
                      <rect
                        key={key}
                        className={look}
                        x={x + (step - bar) / 2}
                        y={y(top)}
                        width={bar}
                        height={Math.max(0.5, y(from) - y(top))}
                      />
                    );
                  })}
                  {(days.length - 1 - index) % everyDays === 0 && x + step / 2 > LEFT + 18 ? (
                    <text
                      className="stacked__tick"
                      x={Math.min(x + step / 2, width - 20)}
                      y={HEIGHT - 6}
                      textAnchor="middle"
                    >
                      {shortDayText(day)}
                    </text>
                  ) : null}
                </g>
              );
            })}
          </svg>
        )}
      </div>
      <figcaption className="legend" id={captionId}>
        <p className="legend__head" aria-live="polite">
          <span>{looked === undefined ? 'Altogether' : weekdayText(days[looked] ?? '')}</span>
          <strong>{format(all)}</strong>
        </p>
        <ul className="legend__list">
          {series.map((one) => (
            <li key={one.key}>
              <span className={`dot ${one.look}`} aria-hidden />
              <span className="legend__name">{one.name}</span>
              <span className="legend__amount">{format(amountOf(one))}</span>
            </li>
          ))}
        </ul>
      </figcaption>
    </figure>
  );
}
