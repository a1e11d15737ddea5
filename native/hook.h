/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hook.h - a program on the ingress or egress of one interface.
 *
 * In:    every call is made in the interface's network namespace, on one thread at a time.
 */
#pragma once

#include "errors.h"
#include "owned.h"

#include <cstdint>

/* What a check found. The numbers are those of src/datapath/source/native.ts. */
enum class HookState : uint8_t {
	kAttached = 0,	   /* and no program of another owner runs before it */
	kDetached = 1,	   /* the link or filter is gone */
	kQdiscDeleted = 2, /* with its filters */
	kReplaced = 3,	   /* another owner's program has its place */
	kNotFirst = 4,	   /* another owner's program runs before it; attaching again helps */
	kBehind = 5,	   /* another owner's TCX program runs before any clsact filter */
	kUnchecked = 6,	   /* the check failed */
};

class Hook
{
      public:
	virtual ~Hook() = default;
	virtual Fault Attach() = 0;
	/* Does nothing if it is not attached. */
	virtual void Detach() = 0;
	virtual Fault Check(HookState &state) = 0;
	/* Attaches again after a check found `state`. */
	virtual Fault Repair(HookState state)
	{
		(void)state;
		Detach();
		return Attach();
	}
	/* The link, to be closed elsewhere; none for a filter. */
	virtual Fd TakeLink()
	{
		return Fd();
	}
};
