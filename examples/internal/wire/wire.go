// Package wire is the gRPC metadata that peer and scheduler exchange in addition to Dragonfly's
// messages. Clients without it work too.
package wire

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"google.golang.org/grpc/metadata"
)

const (
	// IncarnationKey orders the processes that used one host id, as a decimal uint64: newer is
	// greater. On an announce, a leave or a stream of peers it is the sender's. Without it, or with
	// 0, the request counts as from the current incarnation: so a leave that is delayed beyond a
	// restart ends the new registration, and a restart within the timeout is not noticed. The
	// answer to an announce has the current incarnation. If the announce is refused as stale, the
	// answer has the incarnation that refused it: a process whose clock went back takes a greater
	// one.
	IncarnationKey = "hostlife-incarnation"
	// IntervalKey is, in the answer to an announce, the time until the next
	// one, in Go's format of durations ("1.5s").
	IntervalKey = "hostlife-interval"
	// RegistrationKey is, in the answer to an announce, the number of the registration. It differs
	// from that of every other one, also across restarts of the scheduler. A host that sees it
	// change was gone in between, and must register its peers again.
	RegistrationKey = "hostlife-registration"
	// SchedulerKey names, in the answer to an announce, the process of the scheduler. It is given if
	// the scheduler shares its hosts: then a registration may outlive a scheduler, and the peers that
	// were registered with it do not. A host registers its peers with each process that it meets.
	SchedulerKey = "hostlife-scheduler"
)

// An Ack is the answer to an announce. Zero fields were not given.
type Ack struct {
	Incarnation  uint64
	Registration string
	Interval     time.Duration
	Scheduler    string
}

// Metadata returns the ack as a response header.
func (a Ack) Metadata() metadata.MD {
	md := metadata.Pairs(IncarnationKey, strconv.FormatUint(a.Incarnation, 10))
	if a.Interval != 0 {
		md.Set(IntervalKey, a.Interval.String())
	}
	if a.Registration != "" {
		md.Set(RegistrationKey, a.Registration)
	}
	if a.Scheduler != "" {
		md.Set(SchedulerKey, a.Scheduler)
	}
	return md
}

// ReadAck reads a response header. Invalid values count as not given.
func ReadAck(md metadata.MD) Ack {
	var a Ack
	a.Incarnation, _ = Incarnation(md)
	if v := md.Get(RegistrationKey); len(v) == 1 {
		a.Registration = v[0]
	}
	if v := md.Get(SchedulerKey); len(v) == 1 {
		a.Scheduler = v[0]
	}
	if v := md.Get(IntervalKey); len(v) == 1 {
		if d, err := time.ParseDuration(v[0]); err == nil && d > 0 {
			a.Interval = d
		}
	}
	return a
}

var errNotIncarnation = errors.New("not a decimal number from 0 to 2^64-1")

// Incarnation returns the incarnation that a request comes from; 0 if it does not say.
func Incarnation(md metadata.MD) (uint64, error) {
	switch v := md.Get(IncarnationKey); len(v) {
	case 0:
		return 0, nil
	case 1:
		n, err := strconv.ParseUint(v[0], 10, 64)
		if err != nil {
			return 0, errNotIncarnation
		}
		return n, nil
	default:
		return 0, fmt.Errorf("given %d times", len(v))
	}
}
