/**
 * Memory for what arrives. The application may keep it, so it is never used again here: only the garbage collector
 * knows when it is free, and gives it back to the C library, in heaps of tens of megabytes.
 *
 * What the C library does with them decides how fast large messages are. glibc returns free memory above 128 KiB to the
 * operating system at once, and the next messages fault every page of it in anew: for 64 KiB that took up to four times
 * as long as all other work of a call (`npm run bench`, W4; page faults are slow in virtual machines). It raises that
 * threshold, to twice the size of the largest block that it has mapped by itself and freed, up to 64 MiB; see
 * mallopt(3), "M_MMAP_THRESHOLD". JavaScript has no other way to it than to free such a block.
 */

/** Messages below this size are not worth it: a process that gets no others keeps its settings. */
const largeMessage = 32 * 1024;

/** Just below what glibc takes for the largest block that may raise the threshold, 32 MiB with its header. */
const largestTeachingBlock = 31 * 1024 * 1024;

let hasTaught = false;

/** Memory of that many bytes for a part of a message, uninitialised. */
export function allocateReceived(bytes: number): Buffer {
  if (!hasTaught && bytes >= largeMessage) teachAllocator();
  return Buffer.allocUnsafeSlow(bytes);
}

/**
 * Makes garbage of a large block, none of whose pages is ever touched: it takes address space, not memory. From the next
 * collection on the process keeps up to 64 MiB of freed memory at hand. Other C libraries take it for what it is.
 */
function teachAllocator(): void {
  hasTaught = true;
  try {
    Buffer.allocUnsafeSlow(largestTeachingBlock);
  } catch (error) {
    // A process whose address space is limited goes on, slower.
    if (!(error instanceof RangeError)) throw error;
  }
}
