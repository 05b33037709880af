/** How many levels a calendar has beside that of days without usage. */
export const HEAT_LEVELS = 4;

/**
 * A level for each amount, 0 to 4: 0 for nothing, then by quarters of the days with usage, so that one huge day does not make all
 * others look alike. Equal amounts have equal levels, and a greater one never has a smaller level.
 */
export function heatLevels(amounts: readonly number[]): readonly number[] {
  const used = amounts.filter((amount) => amount > 0).sort((a, b) => a - b);
  const bounds = Array.from(
    { length: HEAT_LEVELS - 1 },
    (_, index) => used[Math.ceil((used.length * (index + 1)) / HEAT_LEVELS) - 1] ?? Infinity,
  );
  return amounts.map((amount) => (amount <= 0 ? 0 : 1 + bounds.filter((bound) => amount > bound).length));
}
