/**
 * Makes the C library of most Linux systems (glibc) keep freed memory for the next large reads.
 *
 * The problem: a program that moves bulk data frees and allocates buffers of 128 KiB all the time. glibc gives freed
 * memory back to the system as soon as a few hundred KiB are free. The system then hands out each page of the next
 * buffer anew, which costs more than the read: up to 16 page faults in an echo of 100 KiB.
 *
 * The idea: when a program frees a block that glibc has mapped for it alone, glibc takes this as a sign that the program
 * uses blocks of this size, and from then on keeps twice that size. So one block of almost 32 MiB, the largest that
 * glibc regards, is allocated and freed. Its pages are never touched, so it takes no memory. The process may keep up to
 * 64 MiB of freed memory after that. Other C libraries just allocate and free the block.
 */

/** Slightly less than 32 MiB, because glibc adds a header to the block. */
const BLOCK = 32 * 1_048_576 - 65_536

let isDone = false

export function keepFreedMemory(): void {
  if (isDone) return
  isDone = true
  // `transfer` frees the block at once.
  new ArrayBuffer(BLOCK).transfer(0)
}
