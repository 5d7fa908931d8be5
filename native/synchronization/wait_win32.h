// Waiting for a handle, or for another one that ends the wait early.
#ifndef REMOTING_SYNCHRONIZATION_WAIT_WIN32_H_
#define REMOTING_SYNCHRONIZATION_WAIT_WIN32_H_

#include <windows.h>

#include "synchronization/wait_outcome.h"

namespace remoting {

/// Blocks until `wanted` is signaled, which wins if both are, or `interruption`.
WaitOutcome WaitForEither(HANDLE wanted, HANDLE interruption, WaitTime milliseconds) noexcept;

}  // namespace remoting

#endif  // REMOTING_SYNCHRONIZATION_WAIT_WIN32_H_
