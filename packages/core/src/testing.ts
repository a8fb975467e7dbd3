export { explore, ScheduleError } from './testing/explore.ts'
export { runVirtual } from './testing/run-virtual.ts'
export { VirtualClock } from './testing/virtual-clock.ts'
