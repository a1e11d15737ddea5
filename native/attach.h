/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attach.h - attaches an object's programs to interfaces and tracepoints, and checks that they stay.
 *
 * In:    calls from any thread; they run one after the other. A namespace is a path, empty for the
 *        caller's own. Its first call removes what crashed Weirs left there.
 * Out:   TCX links (6.6+), or clsact filters.
 * Fail:  an interface has both of its programs or neither. ECANCELED after Close().
 * Never: enters a namespace for the empty path, because that would need CAP_SYS_ADMIN.
 */
#pragma once

#include "errors.h"
#include "hook.h"
#include "netns.h"
#include "owned.h"
#include "placeholder.h"
#include "presence.h"
#include "route_socket.h"

#include <array>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

enum class Mode { kAuto, kTcx, kTc };

struct Location {
	std::string netns;
	int ifindex;
};

struct ProgramPair {
	const bpf_program *ingress;
	const bpf_program *egress;
};

class Attachments
{
      public:
	/* The object's tc programs are loaded. */
	explicit Attachments(const bpf_object *object);
	~Attachments();
	Attachments(const Attachments &) = delete;
	Attachments &operator=(const Attachments &) = delete;

	/* Sets `mode` to the type used: kTcx or kTc. */
	Fault Attach(const Location &location, const ProgramPair &programs, Mode &mode);
	/* Attaches a hook again if a check finds it detached or not first. */
	Fault Repair(const Location &location);
	/* The worse state of both hooks for each interface; kDetached if it was never attached. */
	Fault Check(const std::string &netns, const std::vector<int> &interfaces,
		    std::vector<HookState> &states);
	Fault Detach(const Location &location);
	Fault Trace(const bpf_program *program);
	/* Detaches from everything. Links are closed in the background where the kernel can. */
	void Close();

      private:
	struct Namespace {
		Fd netns; /* none for the caller's own */
		RouteSocket route;
		Presence presence;
	};
	/* Interface numbers are unique only within a namespace. */
	using Key = std::pair<std::string, int>;
	using Hooks = std::array<std::unique_ptr<Hook>, 2>;

	Fault Enter(const std::string &path, NetnsScope &scope, Namespace *&netns);
	Fault Open(const std::string &path, NetnsScope &scope);
	Fault AttachLinks(Namespace &netns, const Location &location, const ProgramPair &programs,
			  Hooks &hooks);
	Fault AttachFilters(Namespace &netns, const Location &location, const ProgramPair &programs,
			    Hooks &hooks);
	static Fault AttachBoth(Hooks &hooks);

	std::mutex mutex_;
	bool closed_ = false;
	std::string instance_ = NewInstance();
	Placeholders placeholders_;
	std::vector<uint32_t> programs_;
	std::map<std::string, Namespace> namespaces_;
	std::map<Key, Hooks> interfaces_;
	std::map<const bpf_program *, LinkPtr> tracing_;
	std::optional<bool> has_tcx_; /* known after the first attempt */
};
