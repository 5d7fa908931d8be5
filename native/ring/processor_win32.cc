#include <windows.h>

#include "ring/processor.h"

namespace remoting {

std::uint32_t CurrentProcessor() noexcept { return GetCurrentProcessorNumber(); }

}  // namespace remoting
