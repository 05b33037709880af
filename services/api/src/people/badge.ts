/** What a badge says. */
export interface Badge {
  readonly handle: string;
  /** On the company's board of total tokens; null without usage in the window. */
  readonly rank: number | null;
  readonly people: number | null;
  /** As they are shown, in decimal digits. */
  readonly tokens: bigint;
  /** Such as "30 days". */
  readonly window: string;
  /** Names of the titles that are held now. */
  readonly titles: readonly string[];
}

const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

const HEIGHT = 28;
/** Of a letter on average, at 12 px; each text is told its length, so that every font fits. */
const LETTER = 6.7;
const MARK = 30;
const PADDING = 10;

/** A picture of where somebody stands, for a profile or a README: SVG without scripts, styles or links. */
export function badgeSvg({ handle, rank, people, tokens, window, titles }: Badge): string {
  const place = rank === null ? 'no usage' : `#${rank}${people === null ? '' : ` of ${short.format(people)}`}`;
  const right = [place, ...(rank === null ? [] : [`${short.format(tokens)} tokens`]), window].join(' · ');
  const honours = titles.join(' · ');
  const left = honours === '' ? handle : `${handle} · ${honours}`;
  const [leftWidth, rightWidth] = [widthOf(left), widthOf(right)];
  const split = MARK + leftWidth + PADDING;
  const width = split + rightWidth + 2 * PADDING;
  const text = (x: number, length: number, colour: string, words: string): string =>
    `<text x="${x}" y="18.5" fill="${colour}" textLength="${length}" lengthAdjust="spacingAndGlyphs">${escaped(words)}</text>`;
  const label = escaped(`${left}: ${right}`);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${HEIGHT}" viewBox="0 0 ${width} ${HEIGHT}" role="img" aria-label="${label}">`,
    `<title>${label}</title>`,
    `<clipPath id="r"><rect width="${width}" height="${HEIGHT}" rx="7"/></clipPath>`,
    '<g clip-path="url(#r)">',
    `<rect width="${split}" height="${HEIGHT}" fill="#14532f"/>`,
    `<rect x="${split}" width="${width - split}" height="${HEIGHT}" fill="#f3f1ea"/>`,
    '</g>',
    `<g transform="translate(7 5) scale(.75)" fill="#f1c95b">${WREATH}</g>`,
    '<g font-family="Inter, Verdana, DejaVu Sans, sans-serif" font-size="12" font-weight="600">',
    text(MARK, leftWidth, '#ffffff', left),
    text(split + PADDING, rightWidth, '#1a1f1a', right),
    '</g>',
    '</svg>',
  ].join('');
}

const HALF =
  '<path d="M6.3 3.2c2 .7 3 2.200 2.700 4.200-2-.6-3-2.200-2.700-4.200zM3.600 6.700c2.100.3 3.300 1.700 3.400 3.700-2.100-.3-3.300-1.700-3.400-3.700zM2.700 11.200c2.100-.1 3.600.9 4.100 2.800-2.100.2-3.600-.8-4.100-2.800zM4.100 15.800c2-.6 3.700.1 4.600 1.800-1.900.7-3.700 0-4.600-1.800zM7.400 19.400c1.600-1.300 3.300-1.300 4.600.1-1.600 1.300-3.400 1.300-4.600-.1z"/>';
const WREATH = `${HALF}<g transform="matrix(-1 0 0 1 24 0)">${HALF}</g><circle cx="12" cy="10.500" r="2.600"/>`;

const widthOf = (text: string): number => Math.round(Array.from(text).length * LETTER);

const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (sign) => `&#${sign.codePointAt(0) ?? 0};`).replace(/[^\P{Cc}]/gu, '');
