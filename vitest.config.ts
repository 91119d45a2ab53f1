import { defaultServerConditions } from 'vite'
import { defineConfig } from 'vitest/config'

// The tests stand on their own: vite.config.ts is the demo's.
export default defineConfig({
  // `import … from 'gannet/sim'` in a test means src/, so that no build is needed and stack traces are right.
  ssr: { resolve: { conditions: ['source', ...defaultServerConditions] } },
  test: {
    include: ['test/**/*.test.ts'],
    // node-datachannel aborts the process in worker threads.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 15_000,
    hookTimeout: 30_000,
    typecheck: {
      enabled: true,
      include: ['test/types/**/*.test-d.ts'],
      tsconfig: 'tsconfig.json',
      ignoreSourceErrors: true,
    },
  },
})
