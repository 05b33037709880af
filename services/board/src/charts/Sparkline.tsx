import './charts.css';
import { memo } from 'react';

const WIDTH = 112;
const HEIGHT = 28;

interface SparklineProps {
  /** Decimal digits, one for each day. */
  readonly days: readonly string[];
  /** For whoever can't see it. */
  readonly label: string;
}

/** The shape of some days, each person's by their own greatest day. */
export const Sparkline = memo(function Sparkline({ days, label }: SparklineProps) {
  const amounts = days.map(Number);
  const most = Math.max(...amounts, 1);
  const x = (index: number): number => (index / Math.max(1, amounts.length - 1)) * (WIDTH - 4) + 2;
  const y = (amount: number): number => HEIGHT - 3 - (amount / most) * (HEIGHT - 6);
  const stroke = `M${amounts.map((amount, index) => `${x(index).toFixed(1)},${y(amount).toFixed(1)}`).join('L')}`;
  return (
    <svg
      className="spark"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      width={WIDTH}
      height={HEIGHT}
      role="img"
      aria-label={label}
    >
      <path className="spark__ground" d={`${stroke}V${HEIGHT}H${x(0)}Z`} />
      <path className="spark__line" d={stroke} />
      <circle className="spark__now" cx={x(amounts.length - 1)} cy={y(amounts.at(-1) ?? 0)} r="2" />
    </svg>
  );
});
