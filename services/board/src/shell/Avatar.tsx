import { hashOf } from '../viewer/hash.js';

const LEAF = 'M20 20C11.5 17.500 9.500 9.500 13.500 3.500 20 5.500 23.500 12.500 20 20Z';

/** A sprig of leaves that is a person's own, drawn from the pseudonym: something to know somebody by at a glance. */
export function Avatar({ userId, size = 32 }: { readonly userId: string; readonly size?: number }) {
  const hash = hashOf(userId);
  const hue = hash % 360;
  const leaves = 3 + ((hash >>> 9) % 4);
  const turn = (hash >>> 12) % 360;
  const spread = 360 / leaves;
  const otherHue = (hue + 40 + ((hash >>> 21) % 60)) % 360;
  return (
    <svg className="avatar" width={size} height={size} viewBox="0 0 40 40" aria-hidden focusable="false">
      <circle cx="20" cy="20" r="20" fill={`hsl(${hue} var(--avatar-ground))`} />
      {Array.from({ length: leaves }, (_, index) => (
        <path
          key={index}
          d={LEAF}
          transform={`rotate(${turn + index * spread} 20 20)`}
          fill={`hsl(${index % 2 === 0 ? hue : otherHue} var(--avatar-leaf))`}
        />
      ))}
      <circle cx="20" cy="20" r="3" fill={`hsl(${otherHue} var(--avatar-ground))`} />
    </svg>
  );
}
