// The addon's entry: makes the environment's state and lets the families register what they have.
#include <napi.h>

#include "environment.h"
#include "families.h"
#include "system_error.h"

namespace {

Napi::Value OpenResources(const Napi::CallbackInfo& info) {
  auto count = remoting::Environment::Of(info.Env()).open_resources();
  return Napi::Number::New(info.Env(), static_cast<double>(count));
}

/// describeSystemCode(code): [name, text]
Napi::Value DescribeSystemCode(const Napi::CallbackInfo& info) {
  remoting::SystemCode code = info[0].As<Napi::Number>().Int32Value();
  Napi::Array result = Napi::Array::New(info.Env(), 2);
  result.Set(0u, Napi::String::New(info.Env(), remoting::NameOfSystemCode(code)));
  result.Set(1u, Napi::String::New(info.Env(), remoting::DescriptionOfSystemCode(code)));
  return result;
}

Napi::Object Initialize(Napi::Env env, Napi::Object exports) {
  remoting::Environment& environment = remoting::Environment::Create(env);
  remoting::RegisterRings(environment, exports);
  exports.Set("openResources", Napi::Function::New(env, OpenResources, "openResources"));
  remoting::RegisterMailslots(environment, exports);
  remoting::RegisterMappings(environment, exports);
  remoting::RegisterMutexes(environment, exports);
  remoting::RegisterEvents(environment, exports);
  exports.Set("describeSystemCode", Napi::Function::New(env, DescribeSystemCode, "describeSystemCode"));
  remoting::RegisterPipes(environment, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(remoting, Initialize)
