package share_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/share"
	"github.com/hostlife/hostlife/hostmgr/share/internal/table"
	"github.com/hostlife/hostlife/internal/effort"
)

// A state is the versions of all records, as one comparable value.
type state [3]uint64

// A step is a Put, or a read of all records by another feed.
type step struct {
	batch []share.Write
	ok    bool
	read  state
}

func (s step) kind() string {
	switch {
	case s.batch == nil:
		return "read"
	case s.ok:
		return "written"
	default:
		return "refused"
	}
}

func (s step) String() string {
	if s.batch == nil {
		return fmt.Sprint("read ", s.read)
	}
	var b strings.Builder
	for _, w := range s.batch {
		fmt.Fprintf(&b, "%s: %d to %d (deleted: %v), ", w.Key, w.Expect, w.Version, w.Delete)
	}
	return fmt.Sprint("put ", b.String(), s.ok)
}

var storeModel = porcupine.Model{
	Init: func() any { return state{} },
	Step: func(from, input, _ any) (bool, any) {
		now, s := from.(state), input.(step)
		if s.batch == nil {
			return s.read == now, now
		}
		next, ok := now, true
		for _, w := range s.batch {
			k := keyIndex(w.Key)
			ok = ok && now[k] == w.Expect
			if next[k] = w.Version; w.Delete {
				next[k] = 0
			}
		}
		if !ok {
			next = now
		}
		return s.ok == ok, next
	},
}

func keyIndex(key string) int { return int(key[0] - 'a') }

// A storeHistory records what several goroutines do with one Store.
type storeHistory struct {
	store share.Store
	order atomic.Int64
	mu    sync.Mutex // guards steps
	steps []porcupine.Operation
	known [3]atomic.Uint64 // a recent version of each record
	next  atomic.Uint64    // version
}

func (h *storeHistory) add(call int64, s step) {
	end := h.order.Add(1)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.steps = append(h.steps, porcupine.Operation{Input: s, Call: call, Return: end})
}

func (h *storeHistory) put(t *testing.T) {
	var batch []share.Write
	for _, k := range rand.Perm(3)[:1+rand.IntN(2)] {
		w := share.Write{Key: string(rune('a' + k)), Expect: h.known[k].Load(), Version: h.next.Add(1)}
		w.Delete = w.Expect != 0 && rand.IntN(4) == 0
		batch = append(batch, w)
	}
	hesitate()
	call := h.order.Add(1)
	err := h.store.Put(t.Context(), batch)
	hesitate()
	h.add(call, step{batch: batch, ok: err == nil})
	if err != nil && !errors.Is(err, share.ErrVersion) {
		t.Errorf("Put: %v", err)
	}
	for _, w := range batch {
		if w.Delete {
			w.Version = 0
		}
		if err == nil {
			h.known[keyIndex(w.Key)].Store(w.Version)
		}
	}
}

// read reads the table by a feed of its own.
func (h *storeHistory) read(t *testing.T) {
	call := h.order.Add(1)
	records := map[string]share.Change{}
	if err := h.store.Feed(t.Context(), share.Position{}, func(f share.Frame) bool {
		merge(records, f)
		hesitate()
		return !f.Synced
	}); err != nil {
		t.Errorf("Feed: %v", err)
	}
	h.add(call, step{read: h.stateOf(records)})
}

// merge keeps of each record what has the greatest revision.
func merge(records map[string]share.Change, f share.Frame) {
	for _, r := range f.Snapshot {
		if records[r.Key].Revision < r.Revision {
			records[r.Key] = share.Change{Key: r.Key, Revision: r.Revision, Version: r.Version, Value: r.Value}
		}
	}
	for _, c := range f.Changes {
		if records[c.Key].Revision < c.Revision {
			records[c.Key] = c
		}
	}
}

func (h *storeHistory) stateOf(records map[string]share.Change) (s state) {
	for key, c := range records {
		if !c.Deleted {
			s[keyIndex(key)] = c.Version
		}
		h.known[keyIndex(key)].Store(s[keyIndex(key)])
	}
	return s
}

// run lets four goroutines write and read.
func (h *storeHistory) run(t *testing.T) {
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 25 {
				if rand.IntN(3) == 0 {
					h.read(t)
				} else {
					h.put(t)
				}
			}
		})
	}
	all.Wait()
	h.read(t)
}

// hesitate lets other goroutines run.
func hesitate() {
	for range rand.IntN(3) {
		runtime.Gosched()
	}
}

func histories() int {
	if effort.Long() {
		return 10_000
	}
	return 1000
}

// memoryInPages returns a Memory whose snapshots have two pages.
func memoryInPages() share.Store {
	m := share.Memory()
	m.(interface{ Use(t *table.Table) }).Use(table.New("test", table.Config{Pages: 2, Chunk: 1}))
	return m
}

// Many goroutines put and read at the same time. There is an order of the calls that explains every
// answer. A read is the snapshot of a feed, in pages that are not of one revision.
func TestMemoryIsLinearizable(t *testing.T) {
	seen := map[string]int{}
	for n := range histories() {
		h := &storeHistory{store: memoryInPages()}
		h.run(t)
		if result := porcupine.CheckOperationsTimeout(storeModel, h.steps, time.Minute); result != porcupine.Ok {
			t.Fatalf("history %d: %s\n%s", n, result, tellSteps(h.steps))
		}
		for _, op := range h.steps {
			seen[op.Input.(step).kind()]++
		}
	}
	t.Log(seen)
	for _, kind := range []string{"read", "written", "refused"} {
		require.NotZero(t, seen[kind], kind)
	}
}

// oneByOne writes a batch one by one.
type oneByOne struct{ share.Store }

func (s oneByOne) Put(ctx context.Context, batch []share.Write) error {
	for i := range batch {
		if err := s.Store.Put(ctx, batch[i:i+1]); err != nil {
			return err
		}
		runtime.Gosched()
	}
	return nil
}

func TestAStoreThatIsNotLinearizableIsFound(t *testing.T) {
	for range 1000 {
		h := &storeHistory{store: oneByOne{memoryInPages()}}
		h.run(t)
		if porcupine.CheckOperationsTimeout(storeModel, h.steps, time.Minute) == porcupine.Illegal {
			return
		}
	}
	t.Fatal("a thousand histories of a Store that is not atomic look linearizable")
}

func tellSteps(steps []porcupine.Operation) string {
	var b strings.Builder
	for _, op := range slices.SortedFunc(slices.Values(steps), func(a, b porcupine.Operation) int { return int(a.Call - b.Call) }) {
		fmt.Fprintln(&b, op.Call, op.Return, op.Input)
	}
	return b.String()
}
