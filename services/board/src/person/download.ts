import type { PersonUsage } from '../api/answers.js';

const columns = [
  'events',
  'total_tokens',
  'input_tokens',
  'cache_read_tokens',
  'cache_write_5m_tokens',
  'cache_write_1h_tokens',
  'cache_write_tokens',
  'output_tokens',
  'reasoning_tokens',
  'cost_micro_usd',
] as const;

/** A person's days as a table, a line for each, in CSV. All of it is digits, so that nothing needs quotes. */
export const daysCsv = (days: PersonUsage['days']): string =>
  [
    ['day', ...columns].join(','),
    ...days.map((day) => [day.day, ...columns.map((column) => day[column])].join(',')),
    '',
  ].join('\r\n');

/** Saves a text as a file of the viewer's. */
export function download(name: string, type: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}
