import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { compressBuilt } from './compress.ts';

/** Where a dashboard under development finds its data. */
const central = 'http://127.0.0.1:8003';

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    // Of what is bundled; its licences ask for it.
    license: { fileName: 'licences.json' },
    // Nothing is inlined as a data address: the content security policy allows files of the origin alone.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  plugins: [compressBuilt()],
  server: {
    // Everything but the page itself and its sources.
    proxy: { '^/(?!$|index\\.html|src/|@|node_modules/|\\?)': { target: central, changeOrigin: true } },
  },
});
