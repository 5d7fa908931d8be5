#include "options.h"

namespace remoting {

std::string TextOf(Napi::Object options, const char* name) {
  Napi::Value value = options.Get(name);
  return value.IsString() ? value.As<Napi::String>().Utf8Value() : std::string();
}

std::uint32_t NumberOf(Napi::Object options, const char* name) {
  Napi::Value value = options.Get(name);
  return value.IsNumber() ? value.As<Napi::Number>().Uint32Value() : 0;
}

bool FlagOf(Napi::Object options, const char* name) { return options.Get(name).ToBoolean().Value(); }

}  // namespace remoting
