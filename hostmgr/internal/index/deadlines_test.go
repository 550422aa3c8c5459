package index

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// A heapModel is a heap, and the same in a map that is searched from end to end.
type heapModel struct {
	heap    deadlineHeap
	buckets map[int]*bucket
	due     map[int]int64
	added   int
}

// add adds a bucket; each fourth has hosts that are held.
func (m *heapModel) add(due int64) {
	b := &bucket{first: uint64(m.added)}
	if m.added%4 == 0 {
		b.held = 1
	}
	m.heap.add(b, due)
	m.buckets[m.added], m.due[m.added] = b, due
	m.added++
}

func (m *heapModel) remove(i int) {
	m.heap.remove(m.buckets[i])
	delete(m.buckets, i)
	delete(m.due, i)
}

func (m *heapModel) lowerHeld(due int64) {
	m.heap.lowerHeld(due)
	for i, b := range m.buckets {
		if b.held > 0 {
			m.due[i] = min(m.due[i], due)
		}
	}
}

func (m *heapModel) step(rnd *rand.Rand, at int64) {
	i := rnd.IntN(m.added + 1)
	b, there := m.buckets[i]
	switch op := rnd.IntN(10); {
	case op < 3 || len(m.due) < 2:
		m.add(at)
	case op == 9:
		m.lowerHeld(at + 500)
	case !there:
	case op < 5:
		m.remove(i)
	case op < 7:
		m.heap.set(b, at)
		m.due[i] = at
	default:
		m.heap.lower(b, at)
		m.due[i] = min(m.due[i], at)
	}
}

// check compares the two. (It compares by itself, for require is slow.)
func (m *heapModel) check(t *testing.T, at int64) {
	first, by := int64(math.MaxInt64), []Hash{}
	for i, due := range m.due {
		if got := m.heap.due(m.buckets[i]); got != due {
			t.Fatalf("bucket %d is due at %d, not %d", i, got, due)
		}
		first = min(first, due)
		if due <= at {
			by = append(by, Hash(i))
		}
	}
	if top := m.heap[0]; m.heap.next() != first || top.due != first || m.due[int(top.bucket.first)] != first {
		t.Fatalf("on top is bucket %d, due at %d, not %d", top.bucket.first, top.due, first)
	}
	got := m.heap.dueBuckets(at)
	slices.Sort(got)
	slices.Sort(by)
	if !slices.Equal(by, got) {
		t.Fatalf("at %d, %v are due, not %v", at, got, by)
	}
}

// Whatever is done to hundreds of buckets, the one on top is due first, and each is due when it was
// said to be.
func TestTheDeadlineHeapAgainstAMap(t *testing.T) {
	for seed := range uint64(10) {
		rnd := rand.New(rand.NewPCG(seed, 8))
		m := heapModel{buckets: map[int]*bucket{}, due: map[int]int64{}}
		for m.added < 1000 {
			at := rnd.Int64N(1000)
			m.step(rnd, at)
			m.check(t, at)
		}
	}
}

// LowerHeld brings forward the buckets with held hosts, and no others; also after their buckets
// were rebuilt.
func TestLowerHeldFollowsTheHosts(t *testing.T) {
	x := New(valuesOf[string](), false)
	held := insert(x, "held", 0, everySecond, 0)
	held.SetHeld(true)
	held.SetHeld(true)
	names := make([]string, 5000)
	for i := range names {
		names[i] = string(rune('a'+i%26)) + string(rune(0x4e00+i))
		insert(x, names[i], uint64(i+1), everySecond, 0)
	}
	x.LowerHeld(5)
	require.Equal(t, int64(5), x.NextDeadline())
	require.Len(t, x.DueBuckets(5), 1)
	e, _ := x.Lookup(x.Hash("held"), "held")
	require.True(t, e.Held())
	require.Equal(t, x.bucket(x.DueBuckets(5)[0]), e.bucket)
	require.Equal(t, 1, e.bucket.held)

	for _, id := range names {
		endID(t, x, id)
	}
	e, _ = x.Lookup(x.Hash("held"), "held")
	require.Equal(t, 1, e.bucket.held)
	end(x, e)
	require.Zero(t, e.bucket.held, "an entry that is removed is not held")
}
