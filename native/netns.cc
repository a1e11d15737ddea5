/*
 * netns.cc - this thread in another network namespace, for as long as a scope lasts.
 */
#include "netns.h"

#include <cerrno>
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>

namespace
{
/* A thread's own, not the process's: setns(2) moves one thread. */
constexpr const char *kOwn = "/proc/thread-self/ns/net";

Fault OpenNetns(const char *path, Fd &netns)
{
	netns.Reset(open(path, O_RDONLY | O_CLOEXEC));
	return netns ? Fault{} : Fault{errno, "open", path};
}
} // namespace

Visit::~Visit()
{
	if (home_ && setns(home_.Get(), CLONE_NEWNET))
		Napi::Error::Fatal("weir", "no way back from another network namespace");
}

Fault Visit::Enter(int netns)
{
	if (Fault fault = OpenNetns(kOwn, home_))
		return fault;
	if (!setns(netns, CLONE_NEWNET))
		return {};
	Fault fault{errno, "setns", {}};
	home_.Reset();
	return fault;
}

Fault Visit::Enter(const std::string &path)
{
	Fd netns;

	if (Fault fault = OpenNetns(path.c_str(), netns))
		return fault;
	Fault fault = Enter(netns.Get());
	if (fault)
		fault.detail = path;
	return fault;
}

Fault CurrentNetns(Fd &netns, ino_t &number)
{
	struct stat status;

	if (Fault fault = OpenNetns(kOwn, netns))
		return fault;
	if (fstat(netns.Get(), &status))
		return {errno, "fstat", kOwn};
	number = status.st_ino;
	return {};
}

Napi::Value InNamespace(const Napi::CallbackInfo &info)
{
	Visit visit;

	if (Fault fault = visit.Enter(info[0].As<Napi::String>().Utf8Value()))
		return Throw(info.Env(), fault);
	return info[1].As<Napi::Function>().Call({});
}
