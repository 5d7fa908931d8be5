// The listening socket of a pipe's name, which all its instances share (POSIX). Windows knows instances, each
// of which waits for one client; here clients come to the socket, and are given to the instances that are
// free, in turn.
#ifndef REMOTING_PIPE_PIPE_LISTENER_H_
#define REMOTING_PIPE_PIPE_LISTENER_H_

#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "../readiness.h"
#include "../rendezvous.h"
#include "pipe_end.h"

namespace remoting {

/// An instance, as its listener sees it.
class PipeInstance {
 public:
  /// Whether a client can be given to it.
  virtual bool IsFree() const noexcept = 0;
  /// Whether somebody waits for a client, and that is to keep the process running.
  virtual bool KeepsWaiting() const noexcept = 0;
  /// Takes a client that has been welcomed.
  virtual void Take(Descriptor client) noexcept = 0;

 protected:
  ~PipeInstance() = default;
};

class PipeListener;

/// The listeners of one environment, by folder and name.
class PosixPipeNames final : public PipeNames {
 public:
  std::map<std::string, std::weak_ptr<PipeListener>> listeners;
};

/// Lives as long as an instance of the name does.
class PipeListener final : public Resource,
                           public std::enable_shared_from_this<PipeListener>,
                           private Readiness::Listener {
 public:
  /// Adds an instance to the name, which the first one claims. Throws Napi::Error.
  static std::shared_ptr<PipeListener> Join(Environment& environment, const std::shared_ptr<PipeNames>& names,
                                            const PipeOptions& options, PipeInstance& instance);

  PipeListener(Environment& environment, const std::shared_ptr<PipeNames>& names, const PipeOptions& options);
  ~PipeListener() override;

  void Leave(PipeInstance& instance) noexcept;
  /// An instance has become free: gives it a client that waits, if there is one, by PipeInstance::Take.
  void Match() noexcept;
  /// Asks the instances again whether they keep the process running.
  void UpdateReferenced() noexcept;

  void CloseWithEnvironment() noexcept override;

 private:
  /// A client that has not yet been given to an instance.
  class Visitor;

  void Listen(const PipeOptions& options);
  void GiveNameBack() noexcept;
  void OnReady(ReadyFor ready) noexcept override;
  bool AcceptOne() noexcept;
  void TurnAwayWithoutDescriptor() noexcept;
  bool IsTrusted(int client) const noexcept;
  /// A visitor has said what it wants.
  void Greeted(Visitor& visitor) noexcept;
  void Drop(Visitor& visitor) noexcept;
  void SweepDropped() noexcept;

  std::shared_ptr<PipeNames> names_;
  std::string key_;
  PipeOptions options_;
  std::unique_ptr<Rendezvous> rendezvous_;
  Descriptor socket_;
  /// Given up for a moment when there are no descriptors left, so that clients hear of it.
  Descriptor reserve_;
  std::unique_ptr<Readiness> readiness_;
  std::vector<PipeInstance*> instances_;
  std::list<std::unique_ptr<Visitor>> visitors_;
};

}  // namespace remoting

#endif  // REMOTING_PIPE_PIPE_LISTENER_H_
