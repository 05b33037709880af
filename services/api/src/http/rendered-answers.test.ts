import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { Rendered } from './rendered.js';
import { RenderedAnswers } from './rendered-answers.js';

describe('an answer that many are given alike', () => {
  let made: string[] = [];
  const maker = (name: string) => () => {
    made.push(name);
    return { name };
  };
  beforeEach(() => {
    made = [];
  });

  it('is rendered once while what it rests on is the same, and anew at once when any part of it is not', async () => {
    const answers = new RenderedAnswers();
    const board = {};
    const first = await answers.get(['board'], [board, 1], maker('a'));
    expect(await answers.get(['board'], [board, 1], maker('b'))).toBe(first);
    expect((await answers.get(['board'], [board, 2], maker('c'))).bytes.toString()).toBe('{"name":"c"}');
    // An equal one is not the same one.
    await answers.get(['board'], [{}, 2], maker('d'));
    expect(made).toEqual(['a', 'c', 'd']);
  });

  it('is rendered once for all who ask meanwhile, and never from what it rested on before', async () => {
    const answers = new RenderedAnswers();
    let goOn: (answer: object) => void = () => undefined;
    const slow = answers.get(['board'], [1], () => new Promise<object>((resolve) => (goOn = resolve)));
    const same = answers.get(['board'], [1], maker('again'));
    const next = answers.get(['board'], [2], maker('next'));
    await next;
    goOn({ name: 'slow' });
    expect(await same).toBe(await slow);
    expect(await answers.get(['board'], [2], maker('again'))).toBe(await next);
    expect(made).toEqual(['next']);
  });

  it('is another one for every other key', async () => {
    const answers = new RenderedAnswers();
    const one = await answers.get(['board', '7d', null], [1], maker('7d'));
    const other = await answers.get(['board', '7d,null'], [1], maker('other'));
    expect([one.bytes.toString(), other.bytes.toString()]).toEqual(['{"name":"7d"}', '{"name":"other"}']);
  });

  it('is made again after it could not be made', async () => {
    const answers = new RenderedAnswers();
    await expect(answers.get(['board'], [1], () => Promise.reject(new Error('away')))).rejects.toThrow('away');
    expect((await answers.get(['board'], [1], maker('a'))).bytes.toString()).toBe('{"name":"a"}');
  });

  it('is forgotten when others that were asked for later take all the room', async () => {
    const answers = new RenderedAnswers(3 * Buffer.byteLength('{"name":"a"}'));
    for (const name of ['a', 'b', 'c', 'a', 'd', 'a', 'b']) await answers.get([name], [], maker(name));
    expect(made).toEqual(['a', 'b', 'c', 'd', 'b']);
  });
});

describe('a rendered answer', () => {
  it('says the same however it is packed, and is packed once in each way', async () => {
    const rendered = Rendered.of({ people: ['ü', '"'] });
    const [br, gzip] = [await rendered.packedBy('br'), await rendered.packedBy('gzip')];
    expect(JSON.parse(brotliDecompressSync(br).toString())).toEqual({ people: ['ü', '"'] });
    expect(JSON.parse(gunzipSync(gzip).toString())).toEqual({ people: ['ü', '"'] });
    expect(await rendered.packedBy('br')).toBe(br);
  });

  it('is as if it had been made with a member that is added to it, ETag and all, and stays without it', () => {
    const rendered = Rendered.of({ entries: [1], next_cursor: null });
    const { bytes, etag } = rendered.with('user', { rank: 7, handle: 'ü' });
    const whole = Rendered.of({ entries: [1], next_cursor: null, user: { rank: 7, handle: 'ü' } });
    expect([bytes.toString(), etag]).toEqual([whole.bytes.toString(), whole.etag]);
    expect(rendered.bytes.toString()).toBe('{"entries":[1],"next_cursor":null}');
    expect(rendered.etag).not.toBe(etag);
  });
});
