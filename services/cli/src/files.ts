/* From the first level of `dist`, where the bundle of the program lies, too. */

/** The recording that the project carries; its attribution stands beside it. */
export const TRACE_FILE = new URL('../data/mooncake_conversation.jsonl.gz', import.meta.url);
