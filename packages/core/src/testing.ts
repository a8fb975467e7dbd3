export { explore, ScheduleError } from './testing/explore.ts'
export { LeakError, type LeakWatch, watchLeaks } from './testing/leaks.ts'
export { runVirtual } from './testing/run-virtual.ts'
export { VirtualClock } from './testing/virtual-clock.ts'
