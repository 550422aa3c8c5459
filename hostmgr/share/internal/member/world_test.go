package member_test

import (
	"container/heap"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/hostlife/hostlife/hostmgr/share/internal/feed"
	"github.com/hostlife/hostlife/hostmgr/share/internal/member"
	"github.com/hostlife/hostlife/hostmgr/share/internal/record"
	"github.com/hostlife/hostlife/hostmgr/share/internal/table"
)

const (
	ms       = int64(time.Millisecond)
	sec      = int64(time.Second)
	lapse    = 5 * sec
	interval = 10 * sec
	timeout  = 20 * sec
)

// A world is virtual time, one table, and several members.
type world struct {
	t     testing.TB
	rnd   *rand.Rand
	now   int64
	seq   int
	queue events
	table *table.Table
	nodes []*node
	trace func(string, ...any)

	onHost func(n *node, id string, h *record.Host)                // a record of a host was written
	delays func(n *node, b []member.Write) (late int64, lost bool) // what happens to a batch on its way
	onGone func(member.Write)                                      // a record of a departure was created
	puts   int

	registrations uint64
	*oracle
}

type event struct {
	at  int64
	seq int
	do  func()
}
type events []event

func (q events) Len() int { return len(q) }
func (q events) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].seq < q[j].seq
}
func (q events) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *events) Push(x any)   { *q = append(*q, x.(event)) }
func (q *events) Pop() any     { o := *q; x := o[len(o)-1]; *q = o[:len(o)-1]; return x }

func newWorld(t testing.TB, seed uint64, members int) *world {
	w := &world{t: t, rnd: rand.New(rand.NewPCG(seed, 1)), now: sec, trace: func(string, ...any) {}}
	w.table = table.New("t", table.Config{})
	w.onHost, w.onGone = func(*node, string, *record.Host) {}, func(member.Write) {}
	w.delays = func(*node, []member.Write) (int64, bool) { return 0, false }
	w.oracle = newOracle(w)
	for i := range members {
		w.add(string(rune('A' + i)))
	}
	return w
}

func (w *world) add(name string) *node {
	n := &node{w: w, name: name, reg: newRegistry(w, name)}
	w.nodes = append(w.nodes, n)
	n.start()
	return n
}

func (w *world) at(t int64, do func()) {
	w.seq++
	heap.Push(&w.queue, event{max(t, w.now), w.seq, do})
}
func (w *world) after(d int64, do func()) { w.at(w.now+d, do) }
func (w *world) between(a, b int64) int64 { return a + w.rnd.Int64N(b-a+1) }

func (w *world) run(d int64) {
	until := w.now + d
	for len(w.queue) > 0 && w.queue[0].at <= until {
		e := heap.Pop(&w.queue).(event)
		w.now = e.at
		e.do()
	}
	w.now = until
}

// host is the record of a host, or nil.
func (w *world) host(id string) *record.Host {
	for _, r := range w.records() {
		if r.Key == record.HostKey(id) {
			h, err := record.DecodeHost(r.Value)
			if err != nil {
				w.t.Fatal(err)
			}
			return &h
		}
	}
	return nil
}

// records is what the table has.
func (w *world) records() (all []feed.Record) {
	all, _ = w.snapshot()
	return all
}

// mark is how far the table has come.
func (w *world) mark() (revision, version uint64) {
	_, m := w.snapshot()
	return m.Revision, m.Version
}

func (w *world) snapshot() (all []feed.Record, at feed.Mark) {
	c := w.table.Feed(feed.Position{})
	var r feed.Reader
	r.Begin()
	now := map[string]feed.Record{}
	for !r.Synced() {
		f, _, err := c.Next()
		if err != nil {
			w.t.Fatal(err)
		}
		_ = r.Apply(f, func(ch feed.Change) {
			if delete(now, ch.Key); !ch.Deleted {
				now[ch.Key] = feed.Record{Key: ch.Key, Revision: ch.Revision, Version: ch.Version, Value: ch.Value}
			}
		})
	}
	for _, x := range now {
		all = append(all, x)
	}
	return all, r.Latest()
}

func (w *world) count(kind record.Kind) (n int) {
	for _, r := range w.records() {
		if record.ParseKey(r.Key).Kind == kind {
			n++
		}
	}
	return n
}

func (w *world) say(format string, a ...any) {
	w.trace("%10v "+format, append([]any{time.Duration(w.now)}, a...)...)
}
