import fc from 'fast-check';
import { FrameReader } from './frames.js';

const framed = (body: Uint8Array): Buffer => {
  const size = Buffer.alloc(4);
  size.writeInt32BE(body.length);
  return Buffer.concat([size, body]);
};

it('finds the frames, however the stream was cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 20 })),
      fc.array(fc.integer({ min: 1, max: 9 })),
      (bodies, cuts) => {
        const stream = Buffer.concat(bodies.map(framed));
        const reader = new FrameReader();
        const found: Buffer[] = [];
        let at = 0;
        for (let index = 0; at < stream.length; index += 1) {
          const size = cuts[index % Math.max(1, cuts.length)] ?? 3;
          found.push(...reader.push(stream.subarray(at, at + size)));
          at += size;
        }
        expect(found.map((frame) => frame.toString('hex'))).toEqual(bodies.map((body) => framed(body).toString('hex')));
      },
    ),
  );
});
