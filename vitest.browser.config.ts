import { defineConfig } from 'vitest/config'

// Needs Debian's Chromium (apt-get install chromium), so it is no part of `npm test`.
export default defineConfig({
  test: {
    include: ['test/browser/**/*.test.ts'],
    testTimeout: 60_000,
  },
})
