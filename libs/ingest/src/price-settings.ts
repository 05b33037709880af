import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { z } from 'zod';
import type { Setting } from '@laurel/service-host/settings';
import { parsePriceFile, PriceCatalogue } from '@laurel/usage/price-list';

const pricesFile: Setting<PriceCatalogue> = {
  variable: 'LAUREL_PRICES_FILE',
  description: 'YAML file of list prices over those of the data set that Laurel comes with',
  schema: z
    .string()
    .optional()
    .transform((path, context) => {
      if (path === undefined) return new PriceCatalogue();
      const read = readPriceFile(path);
      if (read instanceof PriceCatalogue) return read;
      for (const message of read) context.addIssue(message);
      return z.NEVER;
    }),
};

/** Of all who take usage events in. A file that has faults is refused with each of them, and its line. */
export const priceSettings = { prices: pricesFile };

/** The prices of a file over those of the data set, or what is wrong with it: `path:line: fault`. */
export function readPriceFile(path: string): PriceCatalogue | readonly string[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return ['is not a file that can be read'];
  }
  const read = parsePriceFile(text);
  return read.ok
    ? new PriceCatalogue({ name: basename(path), file: read.file })
    : read.faults.map(({ line, message }) => `${path}:${line}: ${message}`);
}
