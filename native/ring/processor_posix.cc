#include <sched.h>

#include "ring/processor.h"

namespace remoting {

std::uint32_t CurrentProcessor() noexcept { return static_cast<std::uint32_t>(sched_getcpu()); }

}  // namespace remoting
