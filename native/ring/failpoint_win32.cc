#include "ring/failpoint.h"

#ifdef REMOTING_FAILPOINTS

#include <windows.h>

#include <cstdlib>

namespace remoting {

namespace {

/// What the process ends with: so that a test can tell it from others.
constexpr UINT kExitCode = 137;

}  // namespace

void DieSuddenly() noexcept {
  TerminateProcess(GetCurrentProcess(), kExitCode);
  std::abort();
}

}  // namespace remoting

#endif  // REMOTING_FAILPOINTS
