// How a wait has ended.
#ifndef REMOTING_SYNCHRONIZATION_WAIT_OUTCOME_H_
#define REMOTING_SYNCHRONIZATION_WAIT_OUTCOME_H_

#include "system_error.h"

namespace remoting {

struct WaitOutcome {
  enum class Kind {
    kDone,
    /// It was got, but its last holder died with it.
    kAbandoned,
    kTimeout,
    kInterrupted,
    kFailed,
  };

  Kind kind = Kind::kDone;
  /// Why it failed.
  SystemCode code = 0;
};

/// Milliseconds to wait; kForEver for as long as it takes.
using WaitTime = double;
constexpr WaitTime kForEver = -1;

}  // namespace remoting

#endif  // REMOTING_SYNCHRONIZATION_WAIT_OUTCOME_H_
