#include <cerrno>
#include <system_error>

#include "libuv.h"
#include "system_error.h"

namespace remoting {

std::string NameOfSystemCode(SystemCode code) {
  char name[64];
  return uv_err_name_r(-code, name, sizeof(name));
}

std::string DescriptionOfSystemCode(SystemCode code) { return std::generic_category().message(code); }

SystemCode LastSystemCode() noexcept { return errno; }

}  // namespace remoting
