// SPDX-License-Identifier: Apache-2.0
/*
 * readable.cc - watches a file descriptor on the environment's event loop.
 */
#include "readable.h"

#include <memory>
#include <uv.h>

struct Readable::Poll {
	Poll(Napi::Env env, Napi::Function function, Readable *readable)
	    : owner(readable), listener(Napi::Persistent(function)), context(env, "weir:readable")
	{
	}

	void Close();
	static void OnReadable(uv_poll_t *handle, int status, int events);
	static void OnClosed(uv_handle_t *handle);
	static void OnTeardown(napi_async_cleanup_hook_handle hook, void *data);

	uv_poll_t handle{};
	Readable *owner; /* null after Stop() */
	Napi::FunctionReference listener;
	Napi::AsyncContext context;
	/* keeps the loop until libuv has closed the handle */
	napi_async_cleanup_hook_handle hook = nullptr;
};

void Readable::Poll::Close()
{
	auto *base = reinterpret_cast<uv_handle_t *>(&handle);

	if (owner)
		owner->poll_ = nullptr;
	owner = nullptr;
	listener.Reset();
	if (!uv_is_closing(base))
		uv_close(base, OnClosed);
}

void Readable::Poll::OnClosed(uv_handle_t *handle)
{
	auto *poll = static_cast<Poll *>(handle->data);
	napi_async_cleanup_hook_handle hook = poll->hook;

	delete poll;
	napi_remove_async_cleanup_hook(hook); /* last: this may release the environment */
}

void Readable::Poll::OnTeardown(napi_async_cleanup_hook_handle, void *data)
{
	static_cast<Poll *>(data)->Close();
}

void Readable::Poll::OnReadable(uv_poll_t *handle, int, int)
{
	auto *poll = static_cast<Poll *>(handle->data);
	Napi::Env env = poll->listener.Env();
	Napi::HandleScope scope(env);
	napi_value error;

	/* an error status is no special case: the listener's read reports it */
	napi_make_callback(env, poll->context, env.Global(), poll->listener.Value(), 0, nullptr,
			   nullptr);
	if (env.IsExceptionPending() && napi_get_and_clear_last_exception(env, &error) == napi_ok)
		napi_fatal_exception(env, error);
}

Readable::~Readable()
{
	Stop();
}

void Readable::Stop()
{
	if (poll_)
		poll_->Close();
}

Fault Readable::Watch(int fd, Napi::Function listener)
{
	Napi::Env env = listener.Env();
	uv_loop_t *loop = nullptr;

	Stop();
	if (napi_get_uv_event_loop(env, &loop) != napi_ok)
		return {ECANCELED, "napi_get_uv_event_loop", {}};
	auto poll = std::make_unique<Poll>(env, listener, this);
	if (int err = uv_poll_init(loop, &poll->handle, fd))
		return FaultOf(err, "uv_poll_init");
	poll_ = poll.release(); /* from here on only the close callback frees it */
	poll_->handle.data = poll_;
	napi_add_async_cleanup_hook(env, Poll::OnTeardown, poll_, &poll_->hook);
	if (int err = uv_poll_start(&poll_->handle, UV_READABLE, Poll::OnReadable)) {
		Stop();
		return FaultOf(err, "uv_poll_start");
	}
	return {};
}
