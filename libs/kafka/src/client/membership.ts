import type { Broker, MemberRequest } from './brokers.js';

/** What the connections of one consumer have found out about its place in the group. */
export interface Membership {
  /** As of the last assignment. */
  memberId: string | undefined;
  /** Why it is no member any more. */
  lost: Error | undefined;
  /** When the group last heard of it, by `performance.now()`. */
  heardAt: number;
}

export const noMembership = (): Membership => ({ memberId: undefined, lost: undefined, heardAt: -Infinity });

/** As kafkajs' `heartbeatInterval`: it asks at each opportunity, and `keepMembership` lets through what is due. */
export const HEARTBEAT_AT_EACH_OPPORTUNITY = -Infinity;

/**
 * Lets who is no member fetch nothing, so that kafkajs has it join again.
 *
 * When a group doesn't know a member any more, kafkajs 2.2.4 forgets its id and joins anew. Where that fails for a connection that
 * breaks, it takes up fetching again instead (src/consumer/runner.js repeats `fetchManager.start()` after what `joinAndSync`
 * gave up). Without an id it sends no heartbeats and so is never told anything: it works on what by now are another's
 * partitions and can commit nothing, for as long as the process lives.
 *
 * Sends heartbeats by a clock that only goes on. kafkajs goes by the time of day: when that was wrong by an hour and is set right,
 * it is silent for an hour, so that its group forgets the member again and again.
 */
export function keepMembership(broker: Broker, membership: Membership, heartbeatEveryMs: number): void {
  const noticing = (ask: MemberRequest): MemberRequest =>
    async function (this: Broker, request) {
      try {
        return await ask.call(this, request);
      } catch (error) {
        // What a former member had under way says nothing of the present one.
        const isPresent = request.memberId === null || request.memberId === membership.memberId;
        if (isPresent && isUnknownMember(error)) membership.lost = error;
        throw error;
      }
    };
  const heartbeat = noticing(broker.heartbeat);
  broker.heartbeat = async function (request) {
    if (performance.now() - membership.heardAt < heartbeatEveryMs) return undefined;
    const answer = await heartbeat.call(this, request);
    membership.heardAt = performance.now();
    return answer;
  };
  broker.offsetCommit = noticing(broker.offsetCommit);

  const { syncGroup, fetch } = broker;
  broker.syncGroup = async function (request) {
    const answer = await syncGroup.call(this, request);
    membership.memberId = request.memberId ?? undefined;
    membership.lost = undefined;
    membership.heardAt = performance.now();
    return answer;
  };
  broker.fetch = function (request) {
    return membership.lost === undefined ? fetch.call(this, request) : Promise.reject(membership.lost);
  };
}

const isUnknownMember = (error: unknown): error is Error =>
  error instanceof Error && (error as { type?: unknown }).type === 'UNKNOWN_MEMBER_ID';
