/** A change of a built file that breaks the guarantee; the campaign has to notice. */
export interface Mutation {
  readonly name: string;
  /** What it does, for a person. */
  readonly breaks: string;
  /** The end of the built file's URL. */
  readonly file: string;
  /** Each snippet has to be there exactly once. */
  readonly replacements: readonly (readonly [from: string, to: string])[];
  /** The faults that bring it out, by the beginnings of their names. */
  readonly faults: readonly string[];
}

const STORE = 'const parts = await storeIsolating(batch);';
const TOGETHER = 'const together = await keepTrying(';
const INSERT = 'block.insert(this.clickhouse, topic, partitions)';
const FOLD = `
            const fold = new AwardFold();
            await readToEnd(this.kafka, {
                topic: topicPrefix + topics.titleAwards.name,
                groupPrefix: \`\${topicPrefix}laurel-title-awarder-fold-\`,
                onRecord: ({ value }) => {
                    if (value !== null)
                        fold.take(awardEvent.decode(value));
                },
            });`;
const CLAIM = 'const writer = await FencedWriter.claim(this.kafka, `${topicPrefix}laurel-title-awarder`, topicPrefix);';
const ROLL = 'await runAll(this.clickhouse, statements(starts, rollId));';
const HEAD = 'await writeHeads(this.clickhouse, grain, starts, rollId);';

export const mutations: readonly Mutation[] = [
  {
    name: 'commit-before-insert',
    breaks: 'ingest commits the offset, with its ledger entry, before it inserts',
    file: '/libs/stream/dist/accept-batch.js',
    replacements: [
      [
        STORE,
        `await ports.record([{ topic: batch.topic, partition: batch.partition, from: firstOffset(batch), to: lastOffset(batch), rows: 0, duplicates: 0, dead: 0, erased: 0 }]);
    await context.commit(lastOffset(batch) + 1);
    ${STORE}`,
      ],
      // The batches of a fetch, too, are taken one by one.
      [TOGETHER, `return undefined;\n    ${TOGETHER}`],
    ],
    faults: ['ingest-killed-before-insert'],
  },
  {
    name: 'announcement-before-insert',
    breaks: 'ingest announces rows that nobody can see yet',
    file: '/libs/ingest/dist/stores/usage-store.js',
    replacements: [
      [`await ${INSERT};`, `void ${INSERT}.catch(() => undefined);`],
      // Its rows are still on their way.
      ['this.idleBlocks.push(block);', ''],
    ],
    faults: ['insert-delayed'],
  },
  {
    name: 'heads-before-rolls',
    breaks: 'the projector names a roll that isn’t there yet',
    file: '/services/usage-projector/dist/projector.js',
    replacements: [
      [ROLL, HEAD.replace('writeHeads', 'writeHeads ')],
      [HEAD, ROLL],
    ],
    faults: ['projector-killed-in-late-roll'],
  },
  {
    name: 'fold-before-fence',
    breaks: 'the awarder folds the awards before it fences whoever else writes them',
    file: '/services/title-awarder/dist/awarder.js',
    replacements: [
      [CLAIM, `${FOLD}\n        ${CLAIM.replace('claim(', 'claim (')}`],
      [`try {${FOLD}`, 'try {'],
    ],
    faults: ['awarder-stopped-at-claim'],
  },
];

/** The text with every snippet replaced. @throws Error when one isn't there exactly once: the mutation is out of date. */
export function mutate({ name, replacements }: Mutation, source: string): string {
  return replacements.reduce((text, [from, to]) => {
    const parts = text.split(from);
    if (parts.length !== 2) throw new Error(`mutation ${name}: found ${parts.length - 1} times:\n${from}`);
    return parts.join(to);
  }, source);
}
