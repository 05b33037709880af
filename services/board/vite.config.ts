import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { compressed } from './build/compressed.js';
import { head } from './build/head.js';

export default defineConfig({
  plugins: [react(), head(), compressed()],
  build: {
    // All of 2024: light-dark(), popovers, and what else is used without a polyfill.
    target: ['chrome125', 'firefox128', 'safari17.5'],
    // Whatever is in a file of its own has a name with a hash, and nothing is inline: the security policy allows neither scripts,
    // styles nor data: addresses in the document.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    // `vite` beside a running `npm start`.
    proxy: { '/v1': 'http://127.0.0.1:8080' },
  },
});
