package hostweb

import (
	"context"
	"slices"
	"sync"
	"time"
)

// A batcher answers queries about all hosts. One scan of the registry answers all queries of a
// batch. It has no goroutine: one of the waiting requests makes the scan.
//
// Queries are answered in the order in which they come. A query gets its place in a batch when it
// comes, in the first batch that has room for it. A later query takes room there, but never that
// place. So the scans that a query waits for are known when it comes: those of the batches before
// its own.
type batcher[M any] struct {
	mu      sync.Mutex // guards all below, and a batch's queries until its scan begins; not held in a scan
	last    *batch     // the latest that is done
	pending []*batch   // that take queries and wait for their scans, the first one first
	waiting int        // requests
	busy    chan struct{}
}

// hosts answers a query. It fails when ctx ends first, and at once if too many requests wait.
func (h *Handler[M]) hosts(ctx context.Context, q query) (*hostsPage, error) {
	for {
		answer, b, err := h.batcher.ask(q, h.now())
		if b == nil {
			return answer, err
		}
		if answer, err := h.await(ctx, b, q); answer != nil || err != nil {
			return answer, err
		} // the scan panicked
	}
}

// await waits for an answer of a batch. While it waits it may make scans: that of the batch, or of
// those before it.
func (h *Handler[M]) await(ctx context.Context, b *batch, q query) (*hostsPage, error) {
	defer h.batcher.leave(b, q)
	for !b.isDone() { // when the slot is free too, select may choose either
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-b.done:
		case h.batcher.busy <- struct{}{}: // one slot: the request that gets it scans for all
			if err := h.scanNext(ctx); err != nil {
				return nil, err
			}
		}
	}
	return b.answers[q], nil
}

// ask returns a fresh answer, or else the batch that will answer. The caller leaves that batch.
func (b *batcher[M]) ask(q query, now time.Time) (*hostsPage, *batch, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.busy == nil {
		b.busy = make(chan struct{}, 1)
	}
	if l := b.last; l != nil && l.answers[q] != nil && l.fresh(now) {
		l.asked[q] = true
		return l.answers[q], nil, nil
	}
	if b.waiting == maxQueued {
		return nil, nil, errBusy
	}
	b.waiting++
	next := b.place(q)
	next.waiting[q]++
	return nil, next, nil
}

// place puts a query into the first batch that has room. The caller holds mu.
func (b *batcher[M]) place(q query) *batch {
	for _, next := range b.pending {
		if next.add(q) {
			return next
		}
	}
	next := newBatch()
	next.add(q)
	b.pending = append(b.pending, next)
	return next
}

// leave ends the wait of a request. A query that no request waits for is not answered, so clients
// that are gone delay no other ones.
func (b *batcher[M]) leave(of *batch, q query) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting--
	of.waiting[q]--
	i := slices.Index(b.pending, of)
	if i < 0 || of.waiting[q] > 0 {
		return
	}
	of.remove(q)
	if len(of.queries) == 0 {
		b.pending = slices.Delete(b.pending, i, i+1)
	}
}

// scanNext runs the scan of the first batch that waits, if there is one, and gives back the slot.
// The requests that wait for the slot each wait with their own context.
func (h *Handler[M]) scanNext(ctx context.Context) error {
	defer func() { <-h.batcher.busy }()
	if err := h.pause(ctx); err != nil {
		return err
	}
	b := h.batcher.begin()
	if b == nil {
		return nil
	}
	defer close(b.done) // even if the embedder's clock panics
	b.began = h.now()
	found := h.scan(b)
	b.took = h.now().Sub(b.began)
	b.asked = map[query]bool{}
	b.answers = h.answersOf(b, found)
	h.batcher.mu.Lock()
	defer h.batcher.mu.Unlock()
	h.batcher.last = b
	return nil
}

// pause waits until the last scan is as long ago as it took. So a client that always asks new
// queries uses at most half of a core.
func (h *Handler[M]) pause(ctx context.Context) error {
	h.batcher.mu.Lock()
	last := h.batcher.last
	h.batcher.mu.Unlock()
	if last == nil {
		return nil
	}
	left := min(last.ended().Add(last.took).Sub(h.now()), last.took) // if the clock stepped back
	if left <= 0 {
		return nil
	}
	select {
	case <-h.clock().After(left):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// begin closes the first batch for queries, and returns it; nil if none waits. It adds the queries
// of the last batch that were asked again, so that the answers of all viewers are equally old.
func (b *batcher[M]) begin() *batch {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.pending) == 0 {
		return nil
	}
	next := b.pending[0]
	b.pending = slices.Delete(b.pending, 0, 1)
	if b.last != nil {
		for q := range b.last.asked {
			next.add(q)
		}
	}
	return next
}

// answersOf makes the pages of a scan. All their texts are made together, and last.
func (h *Handler[M]) answersOf(b *batch, s *scan[M]) map[query]*hostsPage {
	answers := map[query]*hostsPage{}
	var shown texts[M]
	for _, q := range b.queries {
		answers[q] = h.hostsPage(b, q, s.list(q), s.zones, &shown)
		answers[q].Unsearched = s.missed
	}
	h.describe(&shown)
	return answers
}
