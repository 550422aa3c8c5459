package hostmgr

import (
	"fmt"

	"github.com/hostlife/hostlife/hostmgr/internal/index"
)

// Heartbeats records that many hosts are alive, as Heartbeat does for each of them with incarnation
// 0, which means the current registration. It is for a caller that has many heartbeats at hand,
// such as a gateway: the processor fetches the memory of 64 hosts at the same time, and the clock
// is read once for them. It does not allocate, and takes the lock only when Heartbeat would.
//
// acks[i] and errs[i] become the answer to ids[i]. Either slice may be nil if the answers are not
// wanted. Otherwise it must be at least as long as ids: if it is shorter, Heartbeats panics before
// it changes anything. Elements beyond ids stay as they are. An id may occur more than once.
//
// An unknown host gets ErrUnknownHost, and does not affect the others. A heartbeat of an
// incarnation that has been replaced counts for the current one. To refuse it, compare
// Ack.Incarnation, or call Heartbeat with the incarnation.
//
// Each host is protected as by Heartbeat, counted from a clock reading within the call. In a long
// call that is not the beginning of the call: the clock is read again after each 64 hosts.
func (r *Registry[M]) Heartbeats(ids []string, acks []Ack, errs []error) {
	checkLength("acks", len(acks), len(ids), acks == nil)
	checkLength("errs", len(errs), len(ids), errs == nil)
	var memory index.Batch
	for from := 0; from < len(ids); from += index.BatchSize {
		to := min(from+index.BatchSize, len(ids))
		b := heartbeatBatch[M]{r: r, ids: ids[from:to]}
		if acks != nil {
			b.acks = acks[from:to]
		}
		if errs != nil {
			b.errs = errs[from:to]
		}
		b.touch(&memory)
	}
}

func checkLength(what string, has, needs int, unwanted bool) {
	if !unwanted && has < needs {
		panic(fmt.Sprintf("hostmgr: Heartbeats: %s for %d of %d ids", what, has, needs))
	}
}

// A heartbeatBatch is up to 64 of the heartbeats of one call of Heartbeats.
type heartbeatBatch[M any] struct {
	r    *Registry[M]
	ids  []string
	acks []Ack   // nil, or as long as ids
	errs []error // nil, or as long as ids
}

// touch records the heartbeats, and answers them.
//
// Promise 1: the clock is read within the call, and before any host of the batch is touched. The
// last touch of a batch comes right after the reading, or later if this goroutine waits for a
// processor, as any heartbeat may. One reading for a long call would be too old for its last hosts:
// a million hosts take longer than the shortest interval. For the same reason a host that needs the
// slow path, which may wait for the lock, gets a reading of its own.
//
// Restore sets restoredAt before it registers a host. So if a touch has met a restored host, the
// load afterwards sees the time of that Restore, and the slow path repeats the contact.
func (b *heartbeatBatch[M]) touch(x *index.Batch) {
	r := b.r
	r.index.FetchBatch(b.ids, x)
	now, slow := r.clock.Now(), ^uint64(0)
	if !r.tracksGaps {
		slow = r.index.TouchBatch(x, len(b.ids), now)
		if now <= r.restoredAt.Load() {
			slow = ^uint64(0)
		}
		b.answerTouched(x)
	}
	if slow != 0 || r.advisor != nil {
		b.finish(x, slow, now)
	}
}

// answerTouched answers as if all hosts had been touched.
func (b *heartbeatBatch[M]) answerTouched(x *index.Batch) {
	for i := range b.acks {
		b.acks[i] = Ack(x.Headers[i])
	}
	clear(b.errs)
}

// finish records the heartbeats that TouchBatch has refused, and advises the other hosts. Bit i of
// slow is set if heartbeat i was refused.
func (b *heartbeatBatch[M]) finish(x *index.Batch, slow uint64, now int64) {
	for i, id := range b.ids {
		ack, err := Ack(x.Headers[i]), error(nil)
		switch {
		case slow&(1<<i) != 0:
			ack, err = b.r.slowHeartbeat(x.Hashes[i], id, 0, b.r.clock.Now())
		case b.r.advisor != nil:
			ack = b.r.advise(x.Hashes[i], id, ack, now)
		}
		if b.acks != nil {
			b.acks[i] = ack
		}
		if b.errs != nil {
			b.errs[i] = err
		}
	}
}
