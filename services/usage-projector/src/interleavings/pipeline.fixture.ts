import { dayOfHour, hourInDay, hourOf } from '@laurel/usage';
import { checkEnd } from './end.fixture.js';
import { forget } from './forget.fixture.js';
import { beginBatch } from './ingest.fixture.js';
import { Process } from './process.fixture.js';
import { HOUR_CLOSE_DELAY_MS, LATE, Member } from './projector.fixture.js';
import { eventOf, FIRST_DAY, invalidValue, PEOPLE, START_HOUR, START_MS } from './published.fixture.js';
import { ALL_VIEWS, checkAnswer, checkPrefixes, readSlowly } from './readers.fixture.js';
import { ONE_STEP, THROUGH, type Command, type Course } from './script.fixture.js';
import { ModelSweeper } from './sweeper.fixture.js';
import { Watch } from './watch.fixture.js';
import { World, type Mutation } from './world.fixture.js';

/** Publishers, a group of usage-ingest, a group of usage-projector, sweeps, readers and the world between them. */
export class ModelPipeline {
  private readonly world: World;
  private readonly owners: Member[] = [];
  /** Members that have lost their partition and don't know. */
  private twins: Member[] = [];
  /** Every process that is under way. */
  private processes: Process[] = [];
  private readonly sweepers: readonly ModelSweeper[];
  private readonly watch: Watch;
  private generation = 0;
  private readonly published: (Uint8Array | null)[] = [];

  constructor(mutation?: Mutation) {
    const closed = { hour: hourInDay(FIRST_DAY, START_HOUR), day: FIRST_DAY };
    this.world = new World(START_MS, mutation, closed);
    this.sweepers = [new ModelSweeper(this.world), new ModelSweeper(this.world)];
    this.watch = new Watch(this.world);
    for (const partition of this.world.stored.keys()) this.owners.push(this.newMember(partition));
  }

  async run(command: Command): Promise<void> {
    switch (command.kind) {
      case 'publish':
        this.publish(command.partition, eventOf(command.version), command.gap);
        break;
      case 'duplicate': {
        const again = this.published[command.which % Math.max(1, this.published.length)];
        // A tool's key keeps it in its partition, until there are more partitions.
        if (again !== undefined) this.publish(command.partition, again, 0);
        break;
      }
      case 'invalid':
        this.publish(command.partition, invalidValue(command.which), 0);
        break;
      case 'deliver':
        await this.go(await beginBatch(this.world, command.partition, command.most), command.course);
        break;
      case 'roll':
        await this.roll(command);
        break;
      case 'resume':
        await this.go(this.processes[command.which % Math.max(1, this.processes.length)], command.course);
        break;
      case 'rebalance':
        this.rebalance(command.group, command.partition);
        break;
      case 'pass':
        this.world.nowMs += command.ms;
        break;
      case 'sweep':
        await this.sweep(command.sweeper, command.course);
        break;
      case 'read':
        await this.go(await begin('reader', (process) => this.readSlowly(process, command.view)), command.course);
        break;
      case 'forget': {
        const person = PEOPLE[command.person % PEOPLE.length] ?? '';
        await this.go(await begin('forget', (process) => forget(process, this.world, person)), command.course);
        break;
      }
      default:
        command satisfies never;
    }
    this.watch.look();
  }

  /**
   * Delivers and rolls everything; stalled twins go on only after that, and once more everything is delivered and rolled.
   *
   * @param pauseMs for how long nobody does anything but sweep, first of all.
   */
  async finish(pauseMs: number): Promise<void> {
    for (const passMs of [0, pauseMs]) {
      this.world.nowMs += passMs;
      await this.sweep(0, THROUGH);
    }
    await this.settle();
    checkEnd(this.world, false);
    while (this.processes[0] !== undefined) await this.go(this.processes[0], THROUGH);
    await this.settle();
    // As an audit does.
    this.world.tables.deleteErased();
    checkEnd(this.world, true);
  }

  private publish(partition: number, value: Uint8Array | null, gap: number): void {
    const of = this.world.events[partition];
    if (of === undefined) return;
    const offset = of.end + gap;
    of.records.push({ offset, key: null, value, headers: {}, timestampMs: this.world.nowMs });
    of.end = offset + 1;
    this.published.push(value);
  }

  private newMember(partition: number): Member {
    this.generation += 1;
    return new Member(this.world, partition, (member) => this.isOwner(member), this.generation);
  }

  private async roll({ member: which, most, endsHours, afterMs, course }: Command & { kind: 'roll' }): Promise<void> {
    const members = [...this.owners, ...this.owners, ...this.twins.slice(-2)];
    const member = members[which % members.length];
    if (member === undefined) return;
    if (endsHours) member.announceHourEnds();
    if (this.isOwner(member)) member.takeIn(most);
    this.world.nowMs += afterMs;
    await this.go(await this.beginFlush(member), course);
  }

  private isOwner(member: Member): boolean {
    return this.owners[member.partition] === member;
  }

  private beginFlush(member: Member): Promise<Process | undefined> {
    return member.beginFlush(() => {
      this.twins = this.twins.filter((one) => one !== member);
      // All that it knew is gone, and another one takes over.
      if (this.isOwner(member)) this.owners[member.partition] = this.newMember(member.partition);
    });
  }

  private rebalance(group: 'ingest' | 'projector', partition: number): void {
    if (group === 'ingest') {
      const of = this.world.events[partition];
      if (of !== undefined) of.owner = undefined;
      return;
    }
    const former = this.owners[partition];
    if (former !== undefined) this.twins.push(former);
    this.owners[partition] = this.newMember(partition);
  }

  private async go(process: Process | undefined, { steps, fate }: Course): Promise<void> {
    if (process === undefined) return;
    for (let step = 0; step < steps && !process.isOver; step += 1) {
      await process.advance('answered');
      this.watch.look();
    }
    if (!process.isOver) {
      if (fate === 'deposed') this.depose(process);
      else if (fate !== 'stalled') await process.advance(fate);
    }
    this.processes = this.processes.filter((one) => one !== process);
    if (!process.isOver) this.processes.push(process);
  }

  private depose(process: Process): void {
    for (const [partition, { owner }] of this.world.events.entries())
      if (owner === process) this.rebalance('ingest', partition);
    for (const { inHand, partition } of this.owners) if (inHand === process) this.rebalance('projector', partition);
  }

  private async sweep(which: number, course: Course): Promise<void> {
    const sweeper = this.sweepers[which];
    if (sweeper !== undefined) await this.go(await begin('sweep', (process) => sweeper.sweep(process)), course);
  }

  private async readSlowly(process: Process, choice: number): Promise<void> {
    const { world } = this;
    const view = ALL_VIEWS[choice % ALL_VIEWS.length] ?? 'usage';
    const owed = this.watch.owed;
    const answer = await readSlowly(process, world, view, () => world.nowMs);
    if (answer === undefined) return;
    checkAnswer(world.tables, view, answer, owed);
    checkPrefixes(world.tables, view, answer);
  }

  /** Step by step, so that every announcement is rolled as soon as it is made. */
  private async settle(): Promise<void> {
    const { world } = this;
    for (let round = 0; !this.isSettled(); round += 1) {
      if (round > 1000) throw new Error('something is never committed, or an hour never closed');
      for (const [partition, { owner }] of world.events.entries()) {
        await this.go(owner ?? (await beginBatch(world, partition, 6)), ONE_STEP);
      }
      for (const member of this.owners) {
        await this.go(member.inHand, THROUGH);
        member.announceHourEnds();
        member.takeIn(Infinity);
        world.nowMs += LATE.quietMs;
        await this.go(await this.beginFlush(member), THROUGH);
      }
    }
  }

  private isSettled(): boolean {
    const { events, stored, tables, nowMs } = this.world;
    const over = hourOf(nowMs - HOUR_CLOSE_DELAY_MS);
    return (
      events.every(({ owner, committed, end }) => owner === undefined && committed === end) &&
      stored.every(({ announced, committed }) => committed === announced.length) &&
      tables.closed.hour >= over &&
      tables.closed.day === dayOfHour(tables.closed.hour)
    );
  }
}

const begin = (name: string, body: (process: Process) => Promise<void>): Promise<Process> =>
  Process.start(name, body, () => undefined);
