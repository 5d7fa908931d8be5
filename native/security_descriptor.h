// Who may use a pipe or a mailslot of Windows, and whose it is.
#ifndef REMOTING_SECURITY_DESCRIPTOR_H_
#define REMOTING_SECURITY_DESCRIPTOR_H_

#include <napi.h>
#include <windows.h>

#include <string>

namespace remoting {

/// A security descriptor, freed with its owner.
class SecurityDescriptor {
 public:
  /// @param sddl Empty for the default: all rights for the user who runs this, and nobody else. One that
  /// names no owner gets that user, so that clients can see whose server it is; the system would take the
  /// owner that the token says, which for an administrator is the group of them. Throws Napi::Error for what
  /// is no SDDL.
  explicit SecurityDescriptor(Napi::Env env, const std::string& sddl = {});
  SecurityDescriptor(const SecurityDescriptor&) = delete;
  SecurityDescriptor& operator=(const SecurityDescriptor&) = delete;
  ~SecurityDescriptor() { LocalFree(descriptor_); }

  SECURITY_ATTRIBUTES* attributes() noexcept { return &attributes_; }

 private:
  void Convert(Napi::Env env, const std::string& sddl);

  PSECURITY_DESCRIPTOR descriptor_ = nullptr;
  SECURITY_ATTRIBUTES attributes_ = {};
};

}  // namespace remoting

#endif  // REMOTING_SECURITY_DESCRIPTOR_H_
