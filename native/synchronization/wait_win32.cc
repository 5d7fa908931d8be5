#include "synchronization/wait_win32.h"

#include <algorithm>
#include <cmath>

namespace remoting {

WaitOutcome WaitForEither(HANDLE wanted, HANDLE interruption, WaitTime milliseconds) noexcept {
  HANDLE handles[] = {wanted, interruption};
  DWORD time = INFINITE;
  // Rounded up, or it would be over too soon; INFINITE itself is the largest number.
  if (milliseconds >= 0) time = static_cast<DWORD>(std::min(std::ceil(milliseconds), double{INFINITE - 1}));
  switch (WaitForMultipleObjects(2, handles, FALSE, time)) {
    case WAIT_OBJECT_0:
      return {WaitOutcome::Kind::kDone};
    case WAIT_ABANDONED_0:
      return {WaitOutcome::Kind::kAbandoned};
    case WAIT_OBJECT_0 + 1:
      return {WaitOutcome::Kind::kInterrupted};
    case WAIT_TIMEOUT:
      return {WaitOutcome::Kind::kTimeout};
    default:
      return {WaitOutcome::Kind::kFailed, LastSystemCode()};
  }
}

}  // namespace remoting
