package share_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr/share"
	"github.com/hostlife/hostlife/hostmgr/share/internal/record"
)

// A hostState is the record of one host. The zero hostState is none.
type hostState struct {
	registration   uint64
	keeper         string
	asked, claimed bool
	gone           uint64 // the latest registration whose end is in the table
}

// An act is what a member does about the host, after it has read the record.
type act struct {
	kind, member string
	saw          hostState
	next         uint64 // the registration that a create begins
	done         bool   // otherwise the record had changed
}

// apply returns what an act makes of a record, or false if it must not be done.
func (a *act) apply(s hostState) (hostState, bool) {
	mine := s.keeper == a.member
	switch {
	case a.kind == "create" && s.keeper == "":
		return hostState{registration: a.next, keeper: a.member, gone: s.gone}, true
	case a.kind == "ask" && mine && !s.asked:
		s.asked = true
	case a.kind == "answer" && s.keeper != "" && s.asked && !s.claimed:
		s.keeper, s.asked = a.member, false
	case a.kind == "claim" && mine && s.asked && !s.claimed:
		s.claimed = true
	case a.kind == "evict" && mine && s.claimed, a.kind == "leave" && s.keeper != "":
		return hostState{gone: max(s.gone, s.registration)}, true
	default:
		return s, false
	}
	return s, true
}

var hostModel = porcupine.Model{
	Init: func() any { return hostState{} },
	Step: func(from, input, _ any) (bool, any) {
		now, a := from.(hostState), input.(act)
		if a.kind == "read" {
			return now == a.saw, now
		}
		a.saw.gone = now.gone // an end of another registration is no matter of the record
		next, ok := a.apply(now)
		if !a.done {
			return true, now // it met another record, or the same one after other acts
		}
		return ok && now == a.saw, next
	},
}

// A hostHistory records what several members do about one host.
type hostHistory struct {
	store share.Store
	order atomic.Int64
	next  atomic.Uint64
	mu    sync.Mutex // guards acts
	acts  []porcupine.Operation
}

func (h *hostHistory) add(call int64, a act) {
	end := h.order.Add(1)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.acts = append(h.acts, porcupine.Operation{Input: a, Call: call, Return: end})
}

// read reads the record, and its version.
func (h *hostHistory) read(t *testing.T) (s hostState, version uint64) {
	call := h.order.Add(1)
	records := map[string]share.Change{}
	require.NoError(t, h.store.Feed(t.Context(), share.Position{}, func(f share.Frame) bool {
		merge(records, f)
		return !f.Synced
	}))
	for key, c := range records {
		if k := record.ParseKey(key); k.Kind == record.KindGone {
			s.gone = max(s.gone, k.Registration)
		} else if !c.Deleted {
			x, err := record.DecodeHost(c.Value)
			require.NoError(t, err)
			s.registration, s.keeper, s.asked, s.claimed = x.Registration, x.Keeper, x.Asked, x.Claimed
			version = c.Version
		}
	}
	h.add(call, act{kind: "read", saw: s})
	return s, version
}

// do does an act of a member, if what the member reads allows it.
func (h *hostHistory) do(t *testing.T, a act) string {
	var version uint64
	a.saw, version = h.read(t)
	a.next = h.next.Add(1)
	becomes, ok := a.apply(a.saw)
	if !ok {
		return "not allowed"
	}
	hesitate()
	w := share.Write{Key: record.HostKey("h"), Expect: version, Version: rand.Uint64() | 1}
	batch := []share.Write{w}
	if becomes.keeper == "" {
		batch[0].Delete = true
		g := record.Gone{Kind: 2, Cleaner: a.member, Host: h.hostOf(a.saw)}
		batch = append(batch, share.Write{Key: record.GoneKey("h", a.saw.registration), Version: rand.Uint64() | 1, Value: g.Encode()})
	} else {
		x := h.hostOf(becomes)
		batch[0].Value = x.Encode()
	}
	call := h.order.Add(1)
	err := h.store.Put(t.Context(), batch)
	if err != nil && !errors.Is(err, share.ErrVersion) {
		t.Errorf("Put: %v", err)
	}
	a.done = err == nil
	h.add(call, a)
	if !a.done {
		return a.kind + " refused"
	}
	return a.kind
}

func (*hostHistory) hostOf(s hostState) record.Host {
	return record.Host{
		Registration: s.registration, Keeper: s.keeper, Asked: s.asked, Claimed: s.claimed,
		Content: record.Content{Incarnation: 1, Interval: 1},
	}
}

// Three members create, ask, answer, claim, evict and let leave one host at the same time. There is
// an order of these acts that explains what each of them read, and which of them were refused. So
// each registration ends once.
func TestActsOnOneHostAreLinearizable(t *testing.T) {
	seen := map[string]int{}
	few := histories()
	if few < 10_000 {
		few /= 5
	}
	for n := range few {
		h := &hostHistory{store: share.Memory()}
		var members sync.WaitGroup
		var mu sync.Mutex // guards seen
		for m := range 3 {
			members.Go(func() {
				for range 12 {
					kind := []string{"create", "ask", "answer", "claim", "evict", "leave", "create", "ask", "claim"}[rand.IntN(9)]
					what := h.do(t, act{kind: kind, member: fmt.Sprint("m", m)})
					mu.Lock()
					seen[what]++
					mu.Unlock()
				}
			})
		}
		members.Wait()
		h.read(t)
		if result := porcupine.CheckOperationsTimeout(hostModel, h.acts, time.Minute); result != porcupine.Ok {
			t.Fatalf("history %d: %s: %v", n, result, h.acts)
		}
	}
	t.Log(seen)
	for _, kind := range []string{"create", "ask", "answer", "claim", "evict", "leave", "create refused", "answer refused", "leave refused"} {
		require.NotZero(t, seen[kind], kind)
	}
}
