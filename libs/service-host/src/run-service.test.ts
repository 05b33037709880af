import { Controller, Get, Module } from '@nestjs/common';
import { Counter } from 'prom-client';
import type { Readiness } from './health.js';
import { integer, text } from './config.js';
import { startService, type RunningService, type ServiceDefinition } from './run-service.js';

@Controller()
class Greeting {
  @Get('hello')
  hello(): string {
    return 'hello';
  }
}

@Module({ controllers: [Greeting] })
class GreetingModule {}

const settings = {
  limit: integer('LAUREL_TEST_LIMIT', 1, 9, { description: 'a limit' }),
  word: text('LAUREL_TEST_WORD', { description: 'a word', default: 'w' }),
};

describe('a hosted service', () => {
  const running: RunningService[] = [];

  afterEach(async () => {
    await Promise.all(running.splice(0).map((service) => service.stop()));
  });

  function definition(
    parts: { readiness?: () => Readiness; closed?: string[]; broken?: Error } = {},
  ): ServiceDefinition<typeof settings> {
    return {
      name: 'greeter',
      description: 'greets',
      defaultPort: 0,
      settings,
      build(config, { metrics, onShutdown }) {
        for (const name of ['first', 'second']) {
          onShutdown(() => {
            parts.closed?.push(name);
            return name === 'second' ? Promise.reject(new Error('could not close')) : Promise.resolve();
          });
        }
        if (parts.broken !== undefined) return Promise.reject(parts.broken);
        new Counter({ name: 'laurel_greetings_total', help: 'Greetings', registers: [metrics] }).inc(config.limit);
        return Promise.resolve({
          module: { module: GreetingModule },
          readiness: parts.readiness ?? (() => ({ ready: true, details: {} })),
        });
      },
    };
  }

  const environment = { LAUREL_TEST_LIMIT: '4', LAUREL_LOG_LEVEL: 'error', LAUREL_HTTP_PORT: '0' };

  async function start(of = definition()): Promise<RunningService> {
    const service = await startService(of, environment, (error) => {
      throw error;
    });
    running.push(service);
    return service;
  }

  it('answers for its health, and in its own way', async () => {
    const { url } = await start();
    expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: 'ok' });
    expect(await (await fetch(`${url}/hello`)).text()).toBe('hello');
    expect((await fetch(`${url}/nothing`)).status).toBe(404);
  });

  it('is ready as long as it makes progress, and says what it lacks', async () => {
    let readiness: Readiness = { ready: true, details: { member: true } };
    const { url } = await start(definition({ readiness: () => readiness }));
    const ask = async () => {
      const answer = await fetch(`${url}/ready`);
      return [answer.status, await answer.json()];
    };
    expect(await ask()).toEqual([200, { status: 'ready', member: true }]);
    readiness = { ready: false, details: { member: true, stalled: ['usage.events.v1/3'] } };
    expect(await ask()).toEqual([503, { status: 'not ready', member: true, stalled: ['usage.events.v1/3'] }]);
  });

  it('shows its metrics and the process’s, with its name', async () => {
    const { url } = await start();
    const answer = await fetch(`${url}/metrics`);
    expect(answer.headers.get('content-type')).toContain('version=0.0.4');
    const metrics = await answer.text();
    expect(metrics).toContain('laurel_greetings_total{service="greeter"} 4');
    expect(metrics).toContain('process_cpu_seconds_total{service="greeter"}');
  });

  it('closes everything in the reverse order, also what comes after a failure', async () => {
    const closed: string[] = [];
    const service = await start(definition({ closed }));
    await service.stop();
    expect(closed).toEqual(['second', 'first']);
    await expect(fetch(`${service.url}/health`)).rejects.toThrow();
    running.splice(0);
  });

  it('closes what was open when it could not be built', async () => {
    const closed: string[] = [];
    const broken = new Error('no topics');
    await expect(start(definition({ closed, broken }))).rejects.toBe(broken);
    expect(closed).toEqual(['second', 'first']);
  });

  it('refuses a wrong configuration with every fault', async () => {
    const wrong = { LAUREL_TEST_LIMIT: '10', LAUREL_HTTP_PORT: '70000' };
    await expect(startService(definition(), wrong, () => undefined)).rejects.toThrow(
      'LAUREL_TEST_LIMIT is not within 1 … 9; LAUREL_HTTP_PORT is not within 0 … 65535',
    );
  });
});
