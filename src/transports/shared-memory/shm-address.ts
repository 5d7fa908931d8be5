/** `shm://name`: what a name may be. */

/** Throws TypeError if it is not the name of a server in shared memory. */
export function checkShmAddress(address: string): void {
  // As names of pipes: what every system takes, and nothing that looks like a path.
  if (!/^[\w.~-]{1,128}$/.test(address) || /^\.+$/.test(address)) {
    throw new TypeError(
      `"${address}" is not a name for shm://: expected 1 to 128 letters, digits, or any of . _ ~ -`,
    );
  }
}
