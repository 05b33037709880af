const DECIMALS = 12;

/**
 * A ratio to 12 decimals, halves away from zero. Sums of floats depend on their order in the last bits; without them,
 * people with the same usage have the same value, and a second implementation arrives at it too.
 */
export const roundRatio = (value: number): number => Number(value.toFixed(DECIMALS));

/** The same but for the last bit, and much faster: for values that only tell who may stand where. */
export const nearRatio = (value: number): number => Math.round(value * 10 ** DECIMALS) / 10 ** DECIMALS;
