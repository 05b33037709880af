import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { HtmlTagDescriptor, Plugin } from 'vite';

const SCRIPT = fileURLToPath(new URL('../src/theme/first-paint.js', import.meta.url));
/** Most texts need no other. */
const FONT = /inter-latin-wght-normal-[\w-]+\.woff2$/;

/**
 * Puts into the document's head what has to be there before anything is painted: the script that sets the chosen theme, or a dark page
 * would flash in white, and the font. The script can't be in the document itself, as the security policy allows no inline
 * script, nor in the bundle, as modules run when the page is painted already.
 */
export function head(): Plugin {
  let script = '/src/theme/first-paint.js';
  return {
    name: 'laurel-head',
    buildStart() {
      if (this.meta.watchMode) return;
      const source = readFileSync(SCRIPT);
      const fileName = `assets/first-paint-${createHash('sha256').update(source).digest('hex').slice(0, 8)}.js`;
      this.emitFile({ type: 'asset', fileName, source });
      script = `/${fileName}`;
    },
    transformIndexHtml: {
      order: 'post',
      handler: (_html, { bundle }) => {
        const font = Object.keys(bundle ?? {}).find((name) => FONT.test(name));
        const preload: HtmlTagDescriptor = {
          tag: 'link',
          attrs: { rel: 'preload', as: 'font', type: 'font/woff2', crossorigin: true, href: `/${font ?? ''}` },
          injectTo: 'head',
        };
        return [{ tag: 'script', attrs: { src: script }, injectTo: 'head' }, ...(font === undefined ? [] : [preload])];
      },
    },
  };
}
