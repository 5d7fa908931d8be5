#include "environment.h"

namespace remoting {

void Resource::Enlist() noexcept {
  if (enlisted_) return;
  enlisted_ = true;
  previous_ = nullptr;
  next_ = environment_.first_;
  if (next_ != nullptr) next_->previous_ = this;
  environment_.first_ = this;
  ++environment_.open_resources_;
}

void Resource::Delist() noexcept {
  // An environment that has ended has delisted everything: then its state is gone, and is not looked at.
  if (!enlisted_) return;
  enlisted_ = false;
  if (previous_ != nullptr) {
    previous_->next_ = next_;
  } else {
    environment_.first_ = next_;
  }
  if (next_ != nullptr) next_->previous_ = previous_;
  --environment_.open_resources_;
}

Environment::Environment(Napi::Env env) : env_(env) {
  napi_value name;
  napi_status status = napi_create_string_utf8(env_, "remoting", NAPI_AUTO_LENGTH, &name);
  if (status == napi_ok) status = napi_async_init(env_, nullptr, name, &async_context_);
  if (status == napi_ok) status = napi_add_async_cleanup_hook(env_, OnCleanup, this, &cleanup_);
  if (status != napi_ok) throw Napi::Error::New(env);
}

Environment& Environment::Create(Napi::Env env) {
  auto* environment = new Environment(env);
  // Deleted by Node after the environment has ended, hence after OnCleanup.
  env.SetInstanceData(environment);
  return *environment;
}

void Environment::OnCleanup(napi_async_cleanup_hook_handle, void* data) {
  auto* environment = static_cast<Environment*>(data);
  environment->ending_ = true;
  environment->BeginClosing();
  environment->CloseAll();
  // Nothing is called any more. Node itself does not free it.
  napi_async_destroy(environment->env_, environment->async_context_);
  environment->EndClosing();
}

void Environment::CloseAll() noexcept {
  while (first_ != nullptr) {
    Resource* resource = first_;
    resource->CloseWithEnvironment();
    // Whatever a resource does, it is asked once: an endless loop here would hang the process that wants to
    // exit.
    if (first_ == resource) resource->Delist();
  }
}

void Environment::EndClosing() noexcept {
  --closing_;
  // The environment goes on ending when its hook is removed, and may delete this object.
  if (ending_ && closing_ == 0) napi_remove_async_cleanup_hook(cleanup_);
}

void Environment::Call(const Napi::FunctionReference& function, std::size_t count,
                       const napi_value* arguments) noexcept {
  if (ending_) return;
  // Node-API itself and not Napi::Function: that throws C++ exceptions where the environment is being
  // terminated.
  napi_value receiver = nullptr;
  napi_value callee = function.Value();
  if (callee == nullptr) return;
  if (napi_get_global(env_, &receiver) != napi_ok) return;
  napi_status status = napi_make_callback(env_, async_context_, receiver, callee, count, arguments, nullptr);
  if (status != napi_pending_exception) return;
  napi_value exception = nullptr;
  if (napi_get_and_clear_last_exception(env_, &exception) == napi_ok) napi_fatal_exception(env_, exception);
}

}  // namespace remoting
