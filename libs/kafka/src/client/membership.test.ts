import { setTimeout as sleep } from 'node:timers/promises';
import { jest } from '@jest/globals';
import {
  committedOffset,
  createTopic,
  eventually,
  newPrefix,
  numbers,
  produce,
  testKafka,
} from '../testing/cluster.js';
import { commitAll, Member } from '../testing/member.js';
import { withBrokers, type Broker, type MemberRequest } from './brokers.js';

const kafka = testKafka();

interface GroupBroker extends Broker {
  joinGroup: MemberRequest;
  leaveGroup: MemberRequest;
}

describe('a member that its group has forgotten', () => {
  it('joins anew, also when the connection breaks on which it does so', async () => {
    const topicPrefix = newPrefix();
    const [groupId, topic] = [`${topicPrefix}group`, `${topicPrefix}events`];
    await createTopic(kafka, topic);
    const plan = { isToBeForgotten: false, joins: 0, breaks: 0 };
    const unlucky = withBrokers(kafka, (broker) => {
      const { heartbeat, joinGroup, leaveGroup } = broker as GroupBroker;
      broker.heartbeat = async function (request) {
        if (plan.isToBeForgotten) {
          plan.isToBeForgotten = false;
          plan.breaks = 1;
          await leaveGroup.call(this, request);
        }
        return heartbeat.call(this, request);
      };
      (broker as GroupBroker).joinGroup = async function (request) {
        plan.joins += 1;
        const answer = joinGroup.call(this, request);
        if (plan.breaks > 0) {
          plan.breaks -= 1;
          await broker.disconnect();
        }
        return answer;
      };
    });
    const member = await Member.start('events', commitAll, { kafka: unlucky, groupId, topicPrefix });
    try {
      await produce(kafka, topic, numbers(0, 3));
      const isCommitted = (offset: number) => async () => (await committedOffset(kafka, groupId, topic)) === offset;
      await eventually('the first commit', isCommitted(3));
      const before = plan.joins;
      plan.isToBeForgotten = true;
      await eventually('a connection that broke in joining', () => plan.joins > before && plan.breaks === 0);
      await produce(kafka, topic, numbers(3, 6));
      await eventually('the next commit', isCommitted(6));
      expect(member.fatal).toEqual([]);
    } finally {
      await member.stop();
    }
  });
});

describe('a member whose clock was an hour fast and is set right', () => {
  it('stays in its group', async () => {
    const topicPrefix = newPrefix();
    const [groupId, topic] = [`${topicPrefix}group`, `${topicPrefix}events`];
    await createTopic(kafka, topic);
    const beats = { count: 0 };
    const counting = withBrokers(kafka, (broker) => {
      const { heartbeat } = broker;
      broker.heartbeat = function (request) {
        beats.count += 1;
        return heartbeat.call(this, request);
      };
    });
    const member = await Member.start('events', commitAll, { kafka: counting, groupId, topicPrefix });
    const clock = jest.spyOn(Date, 'now');
    try {
      await produce(kafka, topic, numbers(0, 3));
      await eventually('the first commit', async () => (await committedOffset(kafka, groupId, topic)) === 3);
      const before = beats.count;
      const fast = Date.now() + 3_600_000 - performance.now();
      clock.mockImplementation(() => fast + performance.now());
      await eventually('heartbeats by the wrong clock', () => beats.count > before + 1);
      clock.mockRestore();
      // Longer than a session.
      await sleep(8000);
      await produce(kafka, topic, numbers(3, 6));
      await eventually('the next commit', async () => (await committedOffset(kafka, groupId, topic)) === 6);
      expect(member.assignments).toHaveLength(1);
      expect(member.fatal).toEqual([]);
    } finally {
      clock.mockRestore();
      await member.stop();
    }
  });
});
