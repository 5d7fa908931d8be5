#include "system_error.h"

namespace remoting {

Napi::Error SystemError(Napi::Env env, SystemCode code, const char* system_call) {
  std::string name = NameOfSystemCode(code);
  Napi::Error error = Napi::Error::New(env, name + ": " + DescriptionOfSystemCode(code) + ", " + system_call);
  error.Set("code", Napi::String::New(env, name));
  error.Set("errno", Napi::Number::New(env, code));
  error.Set("syscall", Napi::String::New(env, system_call));
  return error;
}

Napi::Error FaultError(Napi::Env env, const char* fault, const std::string& message) {
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("fault", Napi::String::New(env, fault));
  return error;
}

}  // namespace remoting
