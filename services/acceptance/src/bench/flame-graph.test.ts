import { flameGraph, type CpuProfile } from './flame-graph.js';

const node = (id: number, functionName: string, children: readonly number[] = []) => ({
  id,
  callFrame: { functionName, url: functionName.startsWith('(') ? '' : 'file:///a/lib/x.js', lineNumber: 9 },
  children,
});
const profile: CpuProfile = {
  nodes: [node(1, '(root)', [2, 3, 4]), node(2, 'outer', [5]), node(3, '(idle)'), node(4, 'other'), node(5, 'in<ner')],
  samples: [5, 5, 2, 3, 4],
  timeDeltas: [100, 200, 300, 9999, 400],
};

describe('a flame graph', () => {
  it('gives each function the time in which it or what it called was running, and idle time to nobody', () => {
    const svg = flameGraph(profile, 'usage-ingest');
    expect([...svg.matchAll(/<title>([^<]*)<\/title>/g)].map(([, told]) => told)).toEqual([
      'all: 0.00 s, 100.0 %',
      'outer lib/x.js:10: 0.00 s, 60.0 %',
      'in&lt;ner lib/x.js:10: 0.00 s, 30.0 %',
      'other lib/x.js:10: 0.00 s, 40.0 %',
    ]);
    expect([...svg.matchAll(/<rect x="(\S+)" y="\S+" width="(\S+)" height="17"/g)].map(([, x, w]) => [x, w])).toEqual([
      ['0.0', '1200.0'],
      ['0.0', '720.0'],
      ['0.0', '360.0'],
      ['720.0', '480.0'],
    ]);
  });
});
