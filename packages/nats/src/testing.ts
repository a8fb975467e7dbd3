export { MemoryBus } from './testing/memory-bus.ts'
export { MemoryServer, type MemoryServerOptions } from './testing/memory-server.ts'
