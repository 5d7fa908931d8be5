// How long one side waits busily for a peer that was last seen on its own processor.
#ifndef REMOTING_RING_PATIENCE_H_
#define REMOTING_RING_PATIENCE_H_

#include <algorithm>

namespace remoting {

/// Two processes that only yield to each other stay on one processor for milliseconds while another one is
/// idle, because neither waits long enough for the system to move it. One that sleeps and is woken is put
/// where nothing runs. Where that does not help, since they may run nowhere else, it is tried less and less:
/// there yielding is what is best.
class Patience {
 public:
  /// Told where the peer was at each look. False if it is better to sleep now.
  bool MayWaitOn(bool peer_is_here) noexcept {
    if (!peer_is_here) {
      looks_ = 0;
      most_ = kFirst;
      return true;
    }
    if (++looks_ <= most_) return true;
    looks_ = 0;
    most_ = std::min(most_ * 2, kMost);
    return false;
  }

 private:
  static constexpr unsigned kFirst = 4;
  static constexpr unsigned kMost = 256;

  /// Looks in a row that found the peer here, and how many there may be.
  unsigned looks_ = 0;
  unsigned most_ = kFirst;
};

}  // namespace remoting

#endif  // REMOTING_RING_PATIENCE_H_
