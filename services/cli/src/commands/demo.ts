import { Command, InvalidArgumentError } from 'commander';
import { connectClickHouse } from '@laurel/clickhouse';
import { topics } from '@laurel/events';
import { createPublisher, type Publisher } from '@laurel/publisher';
import {
  clickHouseConnection,
  clickHouseSettings,
  kafkaConnection,
  kafkaSettings,
} from '@laurel/service-host/settings';
import { castOf } from '../demo/cast.js';
import { DEFAULT_SEED, demoEvents } from '../demo/demo-events.js';
import { demoOutcomes } from '../demo/demo-outcomes.js';
import { play } from '../demo/play.js';
import { ProgressLine } from '../demo/progress.js';
import { OUTCOME_SOURCE, PROVENANCE, TRACE_SOURCE, TRICKLE_SOURCE } from '../demo/provenance.js';
import { settled } from '../demo/settled.js';
import { showBoard } from '../demo/show.js';
import { readTrace } from '../demo/trace-file.js';
import { trickle } from '../demo/trickle.js';
import { fromEnvironment } from '../environment.js';

interface PlayFlags {
  readonly seed: string;
  readonly anchor: number;
}

const instant = (text: string): number => {
  const ms = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
  if (!Number.isFinite(ms)) throw new InvalidArgumentError('neither milliseconds nor a date');
  return ms;
};

const seedOption = ['--seed <text>', 'decides who, which team and which model', DEFAULT_SEED] as const;

export function demoCommand(): Command {
  return new Command('demo')
    .description('the recorded requests that Laurel brings, to see it at work')
    .addCommand(
      new Command('play')
        .description('publish the recording, spread over 30 days, and wait until every figure is there')
        .option(...seedOption)
        .option(
          '--anchor <instant>',
          'the latest instant of the 30 days; the same one again changes nothing',
          instant,
          Date.now(),
        )
        .action(playTrace),
    )
    .addCommand(
      new Command('trickle')
        .description('publish invented requests now and then, until Ctrl-C')
        .option(...seedOption)
        .action(runTrickle),
    )
    .addCommand(
      new Command('show')
        .description('print the top of the board and the holders of titles with their evidence')
        .requiredOption('--api <url>', 'address of the API')
        .action(async ({ api }: { api: string }) => {
          await showBoard(api);
        }),
    );
}

function openPublisher(source: string): Publisher {
  const config = fromEnvironment(kafkaSettings);
  return createPublisher({
    kafka: kafkaConnection(config, 'laurel-demo'),
    source,
    topic: config.topicPrefix + topics.usageEvents.name,
    outcomesTopic: config.topicPrefix + topics.usageOutcomes.name,
  });
}

async function playTrace({ seed, anchor: anchorMs }: PlayFlags): Promise<void> {
  const client = connectClickHouse(clickHouseConnection(fromEnvironment(clickHouseSettings), 'laurel-demo'));
  const publisher = openPublisher(TRACE_SOURCE);
  try {
    console.log(PROVENANCE);
    const events = demoEvents(await readTrace(), { seed, anchorMs });
    const outcomes = demoOutcomes(events, { seed, anchorMs });
    const published = new ProgressLine('published');
    await play([...events, ...outcomes], publisher, {
      onProgress: ({ played, total }) => published.show(played, total),
    });
    published.end();
    const projected = new ProgressLine('on the board');
    const expected = { [TRACE_SOURCE]: events.length, [OUTCOME_SOURCE]: outcomes.length };
    await settled(client, expected, (done, total) => projected.show(done, total));
    projected.end();
  } finally {
    await publisher.close();
    await client.close();
  }
}

async function runTrickle({ seed }: Pick<PlayFlags, 'seed'>): Promise<void> {
  const publisher = openPublisher(TRICKLE_SOURCE);
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'disconnect'] as const) {
    process.once(signal, () => {
      stop.abort();
    });
  }
  try {
    await trickle(castOf(seed), publisher, { signal: stop.signal });
  } finally {
    await publisher.close();
  }
}
