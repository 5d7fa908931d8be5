#include "ring/failpoint.h"

#ifdef REMOTING_FAILPOINTS

#include <csignal>
#include <cstdlib>

namespace remoting {

void DieSuddenly() noexcept {
  std::raise(SIGKILL);
  std::abort();
}

}  // namespace remoting

#endif  // REMOTING_FAILPOINTS
