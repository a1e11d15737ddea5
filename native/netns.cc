// SPDX-License-Identifier: Apache-2.0
/*
 * netns.cc - moves this thread to another network namespace for the length of a scope.
 */
#include "netns.h"

#include <cerrno>
#include <fcntl.h>
#include <sched.h>

namespace
{
/* Of the thread, not the process: setns(2) moves one thread. */
constexpr const char *kOwn = "/proc/thread-self/ns/net";

Fault OpenNetns(const char *path, Fd &netns)
{
	netns.Reset(open(path, O_RDONLY | O_CLOEXEC));
	return netns ? Fault{} : Fault{errno, "open", path};
}
} // namespace

NetnsScope::~NetnsScope()
{
	if (home_ && setns(home_.Get(), CLONE_NEWNET))
		Napi::Error::Fatal("weir", "cannot return from another network namespace");
}

Fault NetnsScope::Enter(int netns)
{
	if (Fault fault = OpenNetns(kOwn, home_))
		return fault;
	if (!setns(netns, CLONE_NEWNET))
		return {};
	Fault fault{errno, "setns", {}};
	home_.Reset();
	return fault;
}

Fault NetnsScope::Enter(const std::string &path)
{
	Fd netns;

	if (Fault fault = OpenNetns(path.c_str(), netns))
		return fault;
	Fault fault = Enter(netns.Get());
	if (fault)
		fault.detail = path;
	return fault;
}

Napi::Value InNamespace(const Napi::CallbackInfo &info)
{
	NetnsScope scope;

	if (Fault fault = scope.Enter(info[0].As<Napi::String>().Utf8Value()))
		return Throw(info.Env(), fault);
	return info[1].As<Napi::Function>().Call({});
}
