package hostweb

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

const (
	maxQueries  = 16 // of one batch
	maxZones    = 64 // that are counted one by one; hosts of further zones count as:
	otherZones  = "other"
	minFresh    = 500 * time.Millisecond
	freshFactor = 10 // answers are fresh for this many times the duration of their scan
)

// A batcher answers queries about all hosts. One scan of the registry answers all queries that wait.
// It has no goroutine: one of the waiting requests makes the scan.
type batcher[M any] struct {
	mu   sync.Mutex // guards all below, and a batch's queries until its scan begins; not held in a scan
	last *batch     // the latest that is done
	next *batch     // the one that takes queries
	busy chan struct{}
}

// A batch is one scan and its answers. It does not change after done is closed, except asked.
type batch struct {
	queries []query
	answers map[query]*hostsPage
	asked   map[query]bool // queries that were asked again after done; guarded by batcher.mu
	began   time.Time
	took    time.Duration
	done    chan struct{}
}

func (b *batch) ended() time.Time { return b.began.Add(b.took) }

// fresh reports whether the answers can still be used. They cannot if the clock stepped back.
func (b *batch) fresh(now time.Time) bool {
	return !now.Before(b.began) && now.Before(b.ended().Add(max(minFresh, freshFactor*b.took)))
}

// hosts answers a query, or fails when ctx ends first.
func (h *Handler[M]) hosts(ctx context.Context, q query) (*hostsPage, error) {
	for {
		answer, b := h.batcher.lookup(q, h.now())
		if answer != nil {
			return answer, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-b.done:
		case h.batcher.busy <- struct{}{}: // one slot: the request that gets it scans for all
			if err := h.runBatch(ctx, b); err != nil {
				return nil, err
			}
		}
		if answer := b.answers[q]; answer != nil {
			return answer, nil
		} // the batch was full
	}
}

// lookup returns a fresh answer, or else the next batch. That batch answers the query, unless it is full.
func (b *batcher[M]) lookup(q query, now time.Time) (*hostsPage, *batch) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.busy == nil {
		b.busy = make(chan struct{}, 1)
	}
	if l := b.last; l != nil && l.answers[q] != nil && l.fresh(now) {
		l.asked[q] = true
		return l.answers[q], nil
	}
	if b.next == nil {
		b.next = &batch{done: make(chan struct{})}
	}
	b.next.add(q)
	return nil, b.next
}

// add adds a query, if the batch has room for it: the number of queries is bounded, and so is the
// number of hosts that all deep pages together keep. The second bound concerns deep pages only.
func (b *batch) add(q query) {
	if len(b.queries) == maxQueries || slices.Contains(b.queries, q) {
		return
	}
	b.queries = append(b.queries, q)
	if q.depth() > shallow && b.deepHosts() > maxDepth {
		b.queries = b.queries[:len(b.queries)-1]
	}
}

// deepHosts is the number of hosts that the lists with deep pages keep.
func (b *batch) deepHosts() (sum int) {
	for _, depth := range depths(b.queries) {
		if depth > shallow {
			sum += depth
		}
	}
	return sum
}

// depths returns, by list, where the deepest page ends.
func depths(queries []query) map[query]int {
	lists := map[query]int{}
	for _, q := range queries {
		lists[q.list()] = max(lists[q.list()], q.depth())
	}
	return lists
}

// runBatch runs a batch's scan, unless that has been done, and gives back the slot. The requests
// that wait for the slot each wait with their own context.
func (h *Handler[M]) runBatch(ctx context.Context, b *batch) error {
	defer func() { <-h.batcher.busy }()
	if err := h.pause(ctx); err != nil {
		return err
	}
	if !h.batcher.begin(b) {
		return nil
	}
	defer close(b.done) // even if the embedder's clock panics
	b.began = h.now()
	lists, counts := h.scan(b)
	b.took = h.now().Sub(b.began)
	b.answers, b.asked = map[query]*hostsPage{}, map[query]bool{}
	for _, q := range b.queries {
		b.answers[q] = h.hostsPage(b, q, lists[q.list()], counts)
	}
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

// begin closes a batch for queries. It adds those of the last batch that were asked again, so that
// the answers of all viewers are equally old.
func (b *batcher[M]) begin(next *batch) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next != next {
		return false
	}
	b.next = nil
	if b.last != nil {
		for q := range b.last.asked {
			next.add(q)
		}
	}
	return true
}

// scan reads all hosts once, and selects those of the pages of each list.
func (h *Handler[M]) scan(b *batch) (map[query]*selection[M], []zoneCounts) {
	lists := map[query]*selection[M]{}
	for q, depth := range depths(b.queries) {
		lists[q] = &selection[M]{query: q, depth: depth, began: b.began}
	}
	zones := census{}
	for host := range h.Registry.All() {
		zones.of(host.Zone).add(host.State, host.Hold != hostmgr.HoldReason{})
		for _, s := range lists {
			s.add(&host)
		}
	}
	for _, s := range lists {
		s.cut()
	}
	return lists, zones.sorted()
}

// A census counts hosts by zone. The 65th zone and all further ones count as one.
type census map[string]*zoneCounts

func (c census) of(name string) *zoneCounts {
	z := c[name]
	if z == nil && len(c) >= maxZones {
		name = otherZones
		z = c[name]
	}
	if z == nil {
		z = &zoneCounts{Name: name}
		c[name] = z
	}
	return z
}

func (c census) sorted() []zoneCounts {
	list := []zoneCounts{}
	for _, z := range c {
		list = append(list, *z)
	}
	slices.SortFunc(list, func(a, b zoneCounts) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// stateCounts are numbers of hosts.
type stateCounts struct {
	Alive   int `json:"alive"`
	Late    int `json:"late"`
	Suspect int `json:"suspect"`
	Offline int `json:"offline"`
	Held    int `json:"held"` // of all of them
}

// zoneCounts are the numbers of hosts of a zone.
type zoneCounts struct {
	Name string `json:"name"`
	stateCounts
}

// Total is the number of hosts in any state.
func (c stateCounts) Total() int { return c.Alive + c.Late + c.Suspect + c.Offline }

func (c *stateCounts) add(s hostmgr.State, held bool) {
	switch s {
	case hostmgr.StateAlive:
		c.Alive++
	case hostmgr.StateLate:
		c.Late++
	case hostmgr.StateSuspect:
		c.Suspect++
	default:
		c.Offline++
	}
	if held {
		c.Held++
	}
}
