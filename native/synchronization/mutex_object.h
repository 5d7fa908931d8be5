// A mutex with a name, as the system has it.
#ifndef REMOTING_SYNCHRONIZATION_MUTEX_OBJECT_H_
#define REMOTING_SYNCHRONIZATION_MUTEX_OBJECT_H_

#include <napi.h>

#include <memory>
#include <string>

#include "name_disposition.h"
#include "synchronization/wait_outcome.h"

namespace remoting {

/// One holder or would-be holder of a mutex: at most one Acquire at a time, and each that got it is followed
/// by Hold on the same thread, and Release or Abandon from another.
class MutexObject {
 public:
  /// Throws Napi::Error.
  static std::shared_ptr<MutexObject> Open(Napi::Env env, const std::string& name,
                                           NameDisposition disposition);
  virtual ~MutexObject() = default;

  /// Whether somebody else had created it.
  virtual bool existed() const noexcept = 0;
  /// Blocks. If it is abandoned, whoever held it last died, and it is held now.
  virtual WaitOutcome Acquire(WaitTime milliseconds) noexcept = 0;
  /// Makes the present Acquire, or the next one, end soon.
  virtual void Interrupt() noexcept = 0;
  /// Returns after Release or Abandon, where the system wants it to be held by a thread.
  virtual void Hold() noexcept = 0;
  virtual void Release() noexcept = 0;
  /// Lets it go as a holder does that dies: the next one is told.
  virtual void Abandon() noexcept = 0;
};

}  // namespace remoting

#endif  // REMOTING_SYNCHRONIZATION_MUTEX_OBJECT_H_
