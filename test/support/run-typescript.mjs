// Runs a TypeScript file in a process of its own, without a build: node test/support/run-typescript.mjs <file> [args...]
import { createViteServer } from 'vitest/node';

const server = await createViteServer({
  configFile: false,
  logLevel: 'error',
  appType: 'custom',
  server: { middlewareMode: true, hmr: false, ws: false, watch: null },
  optimizeDeps: { noDiscovery: true },
});
await server.ssrLoadModule(process.argv[2]);
