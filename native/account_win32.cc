#include "account.h"

#include <aclapi.h>
#include <sddl.h>

#include <vector>

#include "handle.h"
#include "wide_string.h"

namespace remoting {

namespace {

std::wstring NameOf(PSID sid) {
  wchar_t name[256];
  wchar_t domain[256];
  DWORD name_size = 256;
  DWORD domain_size = 256;
  SID_NAME_USE use;
  if (!LookupAccountSidW(nullptr, sid, name, &name_size, domain, &domain_size, &use)) return {};
  return domain_size == 0 ? std::wstring(name) : std::wstring(domain) + L"\\" + name;
}

}  // namespace

Account AccountOf(PSID sid) {
  wchar_t* text = nullptr;
  if (sid == nullptr || !ConvertSidToStringSidW(sid, &text)) return {};
  Account account{FromWide(text), FromWide(NameOf(sid))};
  LocalFree(text);
  return account;
}

Account UserOfToken(HANDLE token) {
  DWORD size = 0;
  GetTokenInformation(token, TokenUser, nullptr, 0, &size);
  std::vector<unsigned char> memory(size);
  if (size == 0 || !GetTokenInformation(token, TokenUser, memory.data(), size, &size)) return {};
  return AccountOf(reinterpret_cast<TOKEN_USER*>(memory.data())->User.Sid);
}

Account UserOfProcess(HANDLE process) {
  HANDLE opened = nullptr;
  if (!OpenProcessToken(process, TOKEN_QUERY, &opened)) return {};
  Handle token(opened);
  return UserOfToken(token.get());
}

Account OwnerOf(HANDLE object) {
  PSID owner = nullptr;
  PSECURITY_DESCRIPTOR descriptor = nullptr;
  if (GetSecurityInfo(object, SE_KERNEL_OBJECT, OWNER_SECURITY_INFORMATION, &owner, nullptr, nullptr, nullptr,
                      &descriptor) != ERROR_SUCCESS) {
    return {};
  }
  Account account = AccountOf(owner);
  LocalFree(descriptor);
  return account;
}

}  // namespace remoting
