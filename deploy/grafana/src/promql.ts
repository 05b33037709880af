/** The metrics that an expression names, each once. Ours and those of the process have a prefix, which no function or label has. */
export const metricsIn = (promql: string): readonly string[] => [
  ...new Set(promql.match(/\b(?:laurel|process|nodejs)_\w+\b|\bup\b/g) ?? []),
];
