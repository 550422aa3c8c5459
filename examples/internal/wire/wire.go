// Package wire is what peer and scheduler say to each other beside Dragonfly's
// messages, as gRPC metadata. A client that knows nothing of it works all the
// same.
package wire

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"google.golang.org/grpc/metadata"
)

const (
	// IncarnationKey orders the lives of one host id, as a decimal uint64:
	// newer is greater. On an announce, a leave or a stream of peers it says
	// which one is speaking. Without it, or with 0, the scheduler takes it for the one that
	// lives: so a leave that was delayed beyond a restart ends the new life.
	// The answer to an announce says which one now lives.
	IncarnationKey = "hostlife-incarnation"
	// IntervalKey is, in the answer to an announce, the time until the next
	// one, as Go writes durations ("1.5s").
	IntervalKey = "hostlife-interval"
	// LifeKey is, in the answer to an announce, the name of this join: a text
	// that differs from that of every other join, also of one before the
	// scheduler was restarted. A host that sees it change was gone in between,
	// and registers its peers again.
	LifeKey = "hostlife-life"
)

// A Lease is the answer to an announce. What is zero was not said.
type Lease struct {
	Incarnation uint64
	Life        string
	Interval    time.Duration
}

// Metadata is the lease as a response header.
func (l Lease) Metadata() metadata.MD {
	md := metadata.Pairs(
		IncarnationKey, strconv.FormatUint(l.Incarnation, 10),
		IntervalKey, l.Interval.String(),
	)
	if l.Life != "" {
		md.Set(LifeKey, l.Life)
	}
	return md
}

// ReadLease reads a response header. A scheduler that says nothing, or what
// can't be meant, is taken to say nothing.
func ReadLease(md metadata.MD) Lease {
	var l Lease
	l.Incarnation, _ = Incarnation(md)
	if v := md.Get(LifeKey); len(v) == 1 {
		l.Life = v[0]
	}
	if v := md.Get(IntervalKey); len(v) == 1 {
		if d, err := time.ParseDuration(v[0]); err == nil && d > 0 {
			l.Interval = d
		}
	}
	return l
}

var errNotIncarnation = errors.New("not a decimal number from 0 to 2^64-1")

// Incarnation reads which incarnation a request speaks for; 0 if it doesn't say.
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
