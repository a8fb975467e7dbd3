import { testPrograms } from '../../../vitest.programs.ts'

testPrograms(import.meta.dirname, ['../README.md'], ['first\n\nTimeoutError\nsecond\n\n'])
