package sim

import (
	"cmp"
	"math/bits"
	"slices"
)

// An event is when which host is due.
type event struct {
	due  int64
	host int32
}

func (a event) before(b event) bool { return a.due < b.due || a.due == b.due && a.host < b.host }

// An agenda says which host is due next: of those that are due at the same time, the one with the
// lower number. Each host is in it once at most.
//
// It is a calendar queue: a ring of buckets, each for a short span of time, that reaches somewhat
// further than an interval, so that nearly every heartbeat goes into a list and comes out of one
// that is sorted when its turn comes, of a few hosts each. What lies beyond the ring (an outage), or in
// the span whose turn it is, goes into a heap. No event moves from one to the other: the next one
// is whichever is earlier.
type agenda struct {
	shift int     // a bucket spans 1<<shift nanoseconds
	heads []int32 // of each bucket's list; none ends it
	next  []int32 // by host
	due   []int64 // by host
	count int     // hosts in the lists

	turn int64   // number of the span whose turn it is
	now  []event // of that span, in order
	took int     // so many of them were taken
	heap []event
}

const none = int32(-1)

// newAgenda makes one for hosts that are due about once in so many nanoseconds.
func newAgenda(hosts int, interval int64) *agenda {
	width := max(1, 2*interval/int64(max(1, hosts)))
	a := &agenda{shift: bits.Len64(uint64(width)), next: make([]int32, hosts), due: make([]int64, hosts), turn: -1}
	for 5*interval/2>>a.shift >= 1<<21 {
		a.shift++
	}
	a.heads = make([]int32, 1<<bits.Len64(uint64(5*interval/2>>a.shift)))
	for i := range a.heads {
		a.heads[i] = none
	}
	return a
}

// add puts a host in that is not in it. It may not be due before the one that was taken last.
func (a *agenda) add(host int32, due int64) {
	span := due >> a.shift
	if ahead := span - a.turn; ahead <= 0 || ahead >= int64(len(a.heads)) {
		a.push(event{due, host})
		return
	}
	head := &a.heads[span&int64(len(a.heads)-1)]
	a.due[host], a.next[host], *head = due, *head, host
	a.count++
}

// take takes the next event out.
func (a *agenda) take() (e event, ok bool) {
	for a.took == len(a.now) && a.count > 0 && !a.heapIsDue() {
		a.advance()
	}
	if a.took < len(a.now) && (len(a.heap) == 0 || a.now[a.took].before(a.heap[0])) {
		a.took++
		return a.now[a.took-1], true
	}
	if len(a.heap) == 0 {
		return e, false
	}
	e = a.pop()
	a.turn = max(a.turn, e.due>>a.shift) // it is further only if the lists are empty
	return e, true
}

func (a *agenda) heapIsDue() bool { return len(a.heap) > 0 && a.heap[0].due>>a.shift <= a.turn }

// advance gives the next span its turn.
func (a *agenda) advance() {
	a.turn++
	head := &a.heads[a.turn&int64(len(a.heads)-1)]
	if *head == none {
		return
	}
	a.now, a.took = a.now[:0], 0
	for host := *head; host != none; host = a.next[host] {
		a.now = append(a.now, event{a.due[host], host})
	}
	*head = none
	a.count -= len(a.now)
	sortEvents(a.now)
}

// sortEvents sorts a few at a time by insertion, without a call for each comparison.
func sortEvents(events []event) {
	if len(events) > 12 {
		slices.SortFunc(events, func(a, b event) int {
			return cmp.Or(cmp.Compare(a.due, b.due), cmp.Compare(a.host, b.host))
		})
		return
	}
	for i := 1; i < len(events); i++ {
		for j := i; j > 0 && events[j].before(events[j-1]); j-- {
			events[j], events[j-1] = events[j-1], events[j]
		}
	}
}

// push and pop are those of a binary heap.
func (a *agenda) push(e event) {
	a.heap = append(a.heap, e)
	for i := len(a.heap) - 1; i > 0; {
		parent := (i - 1) / 2
		if a.heap[parent].before(a.heap[i]) {
			return
		}
		a.heap[parent], a.heap[i] = a.heap[i], a.heap[parent]
		i = parent
	}
}

func (a *agenda) pop() event {
	top, last := a.heap[0], len(a.heap)-1
	a.heap[0], a.heap = a.heap[last], a.heap[:last]
	for i := 0; ; {
		least := i
		for _, child := range [2]int{2*i + 1, 2*i + 2} {
			if child < last && a.heap[child].before(a.heap[least]) {
				least = child
			}
		}
		if least == i {
			return top
		}
		a.heap[least], a.heap[i] = a.heap[i], a.heap[least]
		i = least
	}
}
