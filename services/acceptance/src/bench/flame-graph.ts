/** Of V8's sampling profiler, as `node --cpu-prof` writes it (Chrome DevTools Protocol, Profiler.Profile). */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
    readonly children?: readonly number[];
  }[];
  /** The node of each sample, and the time since the sample before it, in µs. */
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface Frame {
  readonly name: string;
  /** In µs, with all that it called. */
  total: number;
  readonly children: Map<string, Frame>;
}

const WIDTH = 1200;
const ROW = 18;
const LETTER = 7;
/** Narrower frames are left out, in pixels. */
const LEAST_WIDTH = 0.5;
const IDLE = new Set(['(idle)', '(program)']);

/** A flame graph as SVG: time from left to right, who called whom from bottom to top; idle time is left out. */
export function flameGraph(profile: CpuProfile, title: string): string {
  const root = foldStacks(profile);
  const boxes: string[] = [];
  let deepest = 0;
  const draw = (frame: Frame, x: number, depth: number): void => {
    const width = (frame.total / root.total) * WIDTH;
    if (width < LEAST_WIDTH) return;
    deepest = Math.max(deepest, depth);
    boxes.push(box(frame, x, depth, width, root.total));
    let at = x;
    for (const child of [...frame.children.values()].sort((a, b) => b.total - a.total)) {
      draw(child, at, depth + 1);
      at += (child.total / root.total) * WIDTH;
    }
  };
  draw(root, 0, 0);
  const height = (deepest + 1) * ROW;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 ${-height} ${WIDTH} ${height + 2 * ROW}" font-family="monospace" font-size="11">`,
    `<rect x="0" y="${-height}" width="${WIDTH}" height="${height + 2 * ROW}" fill="#fffdf7"/>`,
    `<text x="4" y="${ROW + 4}">${escaped(title)}: ${(root.total / 1e6).toFixed(2)} s of CPU time</text>`,
    ...boxes,
    '</svg>',
  ].join('\n');
}

function foldStacks({ nodes, samples, timeDeltas }: CpuProfile): Frame {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  const root: Frame = { name: 'all', total: 0, children: new Map() };
  for (const [index, sample] of samples.entries()) {
    const stack: string[] = [];
    for (let id: number | undefined = sample; id !== undefined; id = parents.get(id)) {
      const node = byId.get(id);
      if (node !== undefined && parents.has(id)) stack.push(nameOf(node.callFrame));
    }
    if (stack.some((name) => IDLE.has(name))) continue;
    const time = timeDeltas[index] ?? 0;
    let frame = root;
    frame.total += time;
    for (const name of stack.reverse()) {
      const known = frame.children.get(name) ?? { name, total: 0, children: new Map<string, Frame>() };
      frame.children.set(name, known);
      known.total += time;
      frame = known;
    }
  }
  return root;
}

function nameOf({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  const file = /([^/]+\/[^/]+)$/.exec(url)?.[1];
  return file === undefined ? name : `${name} ${file}:${lineNumber + 1}`;
}

function box({ name, total }: Frame, x: number, depth: number, width: number, all: number): string {
  const y = -(depth + 1) * ROW;
  const letters = Math.floor((width - 4) / LETTER);
  const label =
    letters < 3 ? '' : `<text x="${(x + 2).toFixed(1)}" y="${y + 13}">${escaped(name.slice(0, letters))}</text>`;
  const told = `${name}: ${(total / 1e6).toFixed(2)} s, ${((total / all) * 100).toFixed(1)} %`;
  return `<g><title>${escaped(told)}</title><rect x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${ROW - 1}" fill="${colourOf(name)}"/>${label}</g>`;
}

/** The same for the same name, so that it is found again. */
function colourOf(name: string): string {
  let hash = 0;
  for (const letter of name) hash = (Math.imul(hash, 31) + (letter.codePointAt(0) ?? 0)) >>> 0;
  return `hsl(${20 + (hash % 40)} 85% ${62 + (hash % 16)}%)`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
const escaped = (text: string): string => text.replace(/[&<>]/g, (letter) => ENTITIES[letter] ?? letter);
