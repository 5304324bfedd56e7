import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

// hatch_build.py says where the panel goes (--outDir). `npm run dev` asks the server that `reprise serve` started.
export default defineConfig({
  plugins: [svelte()],
  base: "/",
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    license: { fileName: "licences.md" },
  },
  worker: { format: "es" },
  server: { proxy: { "/api": "http://127.0.0.1:7744" } },
});
