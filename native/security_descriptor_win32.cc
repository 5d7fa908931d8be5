#include "security_descriptor.h"

#include <sddl.h>

#include <utility>

#include "account.h"
#include "system_error.h"
#include "wide_string.h"

namespace remoting {

SecurityDescriptor::SecurityDescriptor(Napi::Env env, const std::string& sddl) {
  std::string user = UserOfProcess(GetCurrentProcess()).sid;
  // Protected, so that nothing is inherited. The user's own SID and not "OW": Wine knows no owner rights.
  Convert(env, sddl.empty() ? "O:" + user + "D:P(A;;GA;;;" + user + ")" : sddl);
  PSID owner = nullptr;
  BOOL is_default = FALSE;
  GetSecurityDescriptorOwner(descriptor_, &owner, &is_default);
  if (owner == nullptr) Convert(env, "O:" + user + sddl);
  attributes_ = {sizeof(attributes_), descriptor_, FALSE};
}

void SecurityDescriptor::Convert(Napi::Env env, const std::string& sddl) {
  PSECURITY_DESCRIPTOR converted = nullptr;
  if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(ToWide(sddl).c_str(), SDDL_REVISION_1, &converted,
                                                            nullptr)) {
    SystemCode code = LastSystemCode();
    // The destructor is not called when the constructor throws.
    LocalFree(std::exchange(descriptor_, nullptr));
    throw SystemError(env, code, "ConvertStringSecurityDescriptorToSecurityDescriptor");
  }
  LocalFree(std::exchange(descriptor_, converted));
}

}  // namespace remoting
