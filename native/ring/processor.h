// Which processor this thread runs on at the moment.
#ifndef REMOTING_RING_PROCESSOR_H_
#define REMOTING_RING_PROCESSOR_H_

#include <cstdint>

namespace remoting {

std::uint32_t CurrentProcessor() noexcept;

}  // namespace remoting

#endif  // REMOTING_RING_PROCESSOR_H_
