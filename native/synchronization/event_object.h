// An event with a name, as the system has it.
#ifndef REMOTING_SYNCHRONIZATION_EVENT_OBJECT_H_
#define REMOTING_SYNCHRONIZATION_EVENT_OBJECT_H_

#include <napi.h>

#include <memory>
#include <string>

#include "name_disposition.h"
#include "synchronization/wait_outcome.h"

namespace remoting {

/// What an event is created with. An existing one keeps what it has.
struct EventRequest {
  std::string name;
  NameDisposition disposition = NameDisposition::kCreate;
  /// Whether it stays set until it is reset; if not, it is reset by the one waiter that it wakes.
  bool manual = false;
  bool signaled = false;
};

/// What makes one wait end early.
class Interruption {
 public:
  static std::shared_ptr<Interruption> Create(Napi::Env env);
  virtual ~Interruption() = default;
};

/// See the head of this file. Any thread may call anything.
class EventObject {
 public:
  /// Throws Napi::Error.
  static std::shared_ptr<EventObject> Open(Napi::Env env, const EventRequest& request);
  virtual ~EventObject() = default;

  /// Whether somebody else had created it.
  virtual bool existed() const noexcept = 0;
  virtual void Set() noexcept = 0;
  virtual void Reset() noexcept = 0;
  /// Blocks.
  virtual WaitOutcome Wait(WaitTime milliseconds, Interruption& interruption) noexcept = 0;
  /// Makes the wait with this interruption end soon.
  virtual void Interrupt(Interruption& interruption) noexcept = 0;
};

}  // namespace remoting

#endif  // REMOTING_SYNCHRONIZATION_EVENT_OBJECT_H_
