package hostweb

import (
	"slices"
	"time"
)

const (
	maxQueries  = 16 // of one batch
	minFresh    = 500 * time.Millisecond
	freshFactor = 10 // answers are fresh for this many times the duration of their scan
)

// A batch is one scan and its answers. It does not change after done is closed, except asked and
// waiting.
type batch struct {
	queries []query
	waiting map[query]int // requests that wait for an answer; guarded by batcher.mu
	answers map[query]*hostsPage
	asked   map[query]bool // queries that were asked again after done; guarded by batcher.mu
	began   time.Time
	took    time.Duration
	done    chan struct{}
}

func newBatch() *batch { return &batch{waiting: map[query]int{}, done: make(chan struct{})} }

func (b *batch) ended() time.Time { return b.began.Add(b.took) }

func (b *batch) isDone() bool {
	select {
	case <-b.done:
		return true
	default:
		return false
	}
}

// fresh reports whether the answers can still be used. They cannot if the clock stepped back.
func (b *batch) fresh(now time.Time) bool {
	return !now.Before(b.began) && now.Before(b.ended().Add(max(minFresh, freshFactor*b.took)))
}

// add adds a query, and reports whether the batch has it now: the number of queries is bounded, and
// so is the number of hosts that all deep pages together keep. The second bound concerns deep pages
// only. A query always fits into an empty batch.
func (b *batch) add(q query) bool {
	if slices.Contains(b.queries, q) {
		return true
	}
	if len(b.queries) == maxQueries {
		return false
	}
	b.queries = append(b.queries, q)
	if q.depth() > shallow && b.deepHosts() > maxDepth {
		b.queries = b.queries[:len(b.queries)-1]
		return false
	}
	return true
}

// remove removes a query that no request waits for any more.
func (b *batch) remove(q query) {
	delete(b.waiting, q)
	b.queries = slices.DeleteFunc(b.queries, func(other query) bool { return other == q })
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
