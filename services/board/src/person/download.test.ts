import type { PersonUsage } from '../api/answers.js';
import { daysCsv } from './download.js';

describe('a person’s days as a table', () => {
  it('have a line each, with every figure under its name in the API', () => {
    const figures = {
      events: '3',
      total_tokens: '9007199254740993',
      input_tokens: '1',
      cache_read_tokens: '2',
      cache_write_5m_tokens: '3',
      cache_write_1h_tokens: '4',
      cache_write_tokens: '5',
      output_tokens: '6',
      reasoning_tokens: '7',
      cost_micro_usd: '8',
    };
    const days: PersonUsage['days'] = [
      { day: '2026-05-14', ...figures },
      { day: '2026-05-15', ...figures, events: '0' },
    ];
    expect(daysCsv(days).split('\r\n')).toEqual([
      'day,events,total_tokens,input_tokens,cache_read_tokens,cache_write_5m_tokens,cache_write_1h_tokens,cache_write_tokens,output_tokens,reasoning_tokens,cost_micro_usd',
      '2026-05-14,3,9007199254740993,1,2,3,4,5,6,7,8',
      '2026-05-15,0,9007199254740993,1,2,3,4,5,6,7,8',
      '',
    ]);
  });
});
