import { testPrograms } from '../../../vitest.programs.ts'

testPrograms(
  import.meta.dirname,
  ['../README.md', '../../../docs/testing.md'],
  ['cleaned up\ntrue\n', '3 7\n2\n', '{ schedules: 1000 }\n', 'true\n', 'ScheduleError\n'],
)
