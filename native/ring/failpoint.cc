#include "ring/failpoint.h"

#ifdef REMOTING_FAILPOINTS

#include <cstdlib>
#include <cstring>

namespace remoting {

void ReachFailPoint(const char* name) noexcept {
  static const char* const chosen = std::getenv("REMOTING_FAILPOINT");
  if (chosen == nullptr || std::strcmp(chosen, name) != 0) return;
  static const char* const hit = std::getenv("REMOTING_FAILPOINT_HIT");
  static int left = hit == nullptr ? 1 : std::atoi(hit);
  if (--left == 0) DieSuddenly();
}

}  // namespace remoting

#endif  // REMOTING_FAILPOINTS
