// What a processor is told in a loop that waits for another one: it saves power and leaves more to its
// sibling.
#ifndef REMOTING_RING_PAUSE_H_
#define REMOTING_RING_PAUSE_H_

namespace remoting {

inline void Pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace remoting

#endif  // REMOTING_RING_PAUSE_H_
