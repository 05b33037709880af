export { PriceCatalogue } from './catalogue.js';
export { DATASET, datasetSchedule } from './dataset.js';
export { costOf, MAX_RATE, RATE_PER_USD_PER_MILLION, type Cost, type Price, type Rates } from './price.js';
export { pairKey, parsePriceFile, type PriceFile, type PriceFileFault, type PriceFileResult } from './price-file.js';
export * from './schedule.js';
