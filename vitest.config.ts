import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/browser/**'],
    // the scalar build is not inlined in the library
    setupFiles: ['test/setup.ts'],
    // two cores, and the integration tests start servers
    maxWorkers: 2,
    testTimeout: 30_000,
  },
})
