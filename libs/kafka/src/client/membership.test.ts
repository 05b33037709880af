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
