export { PriceCatalogue } from './catalogue.js';
export { DATASET } from './dataset.js';
export { parsePriceFile, type PriceFile, type PriceFileFault, type PriceFileResult } from './price-file.js';
