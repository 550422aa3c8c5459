package verify

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/hostlife/hostlife/examples/internal/history"
)

// A span is something that took some time.
type span struct {
	began, ended int64
	incarnation  uint64
}

// A key names a registration.
type key struct {
	host         string
	registration uint64
}

// A put is a batch that a scheduler has asked the engine to write.
type put struct {
	by           *scheduler
	began, ended int64 // never, if there was no answer
	err          string
	writes       []history.Write
}

// acked reports whether the engine has acknowledged the batch.
func (p *put) acked() bool { return p.ended != never && p.err == "" }

// refused reports whether the batch was certainly not written.
func (p *put) refused() bool { return p.err == "conflict" }

// A scheduler is one process.
type scheduler struct {
	name, address string
	killed        int64 // never, if it was not
	missed        bool
	contacts      map[string][]span
	shown         []history.Entry // joins and departures
	puts          []*put
	numbers       map[uint64]*put
	reads         []*history.Entry
	cleanings     map[key][]span // that have not failed; ended is never if the call has not returned
	view          *history.Entry // the latest one
	disturbed     []span
	stalls        []span
}

// A membership is the record of a member.
type membership struct {
	owner   *scheduler
	created int64 // when it was asked for
	acked   int64
	dead    int64 // when a process knew that it is gone; never, if none did
	buried  bool
}

// A world is what the histories say, in another order.
type world struct {
	schedulers []*scheduler
	byName     map[string]*scheduler
	members    map[string]*membership
	told       []history.Entry
	ends       map[string][]int64 // when processes of hosts ended
	leaving    map[string][]int64
	engine     []span // when the engine was disturbed
	lost       []span // when it has lost some writes
	lostAll    []span // of these, when it has lost all
	faults     []span // all
	stalls     []span // of the program that attacks, which has the links
	alive      map[string]uint64
	rested     bool
	seen       map[uint64]bool // versions that took place
	batch      map[uint64]*put // that has written a version
	gone       map[key][]*put  // that have created the record of a departure
	nameless   []string        // files that do not begin as they should
	empty      []string        // files without an entry
}

func read(files []File) *world {
	w := &world{
		byName: map[string]*scheduler{}, members: map[string]*membership{}, ends: map[string][]int64{},
		leaving: map[string][]int64{}, seen: map[uint64]bool{}, batch: map[uint64]*put{}, gone: map[key][]*put{},
	}
	w.each(files, func(_ string, e *history.Entry) {
		if e.Kind == history.Started {
			w.schedulers = append(w.schedulers, newScheduler(e.Process, e.Peer))
			w.byName[e.Process] = w.schedulers[len(w.schedulers)-1]
			w.faults = append(w.faults, span{began: e.At, ended: e.At}) // it may be an heir, and is quiet at first
		}
	})
	w.each(files, func(process string, e *history.Entry) {
		if s := w.byName[process]; s != nil {
			s.take(e)
		} else {
			w.take(e)
		}
	})
	w.faults = append(w.faults, w.stalls...)
	for _, s := range w.schedulers {
		w.faults = append(w.faults, s.stalls...)
		slices.SortFunc(s.puts, func(a, b *put) int { return cmp.Compare(a.began, b.began) })
	}
	slices.SortFunc(w.faults, func(a, b span) int { return cmp.Compare(a.began, b.began) })
	w.findMembers()
	w.findWrites()
	w.findGone()
	return w
}

// each calls f with each entry and the name of its process.
func (w *world) each(files []File, f func(process string, e *history.Entry)) {
	w.nameless, w.empty = nil, nil
	for i := range files {
		entries := files[i].Entries
		if len(entries) == 0 {
			w.empty = append(w.empty, files[i].Name)
			continue
		}
		if entries[0].Kind != history.Start {
			w.nameless = append(w.nameless, files[i].Name)
			continue
		}
		for j := range entries {
			f(entries[0].Process, &entries[j])
		}
	}
}

// take takes an entry of a process of hosts, or of the program that attacks.
func (w *world) take(e *history.Entry) {
	switch e.Kind {
	case history.Told:
		w.told = append(w.told, *e)
	case history.Leaving:
		w.leaving[e.Host] = append(w.leaving[e.Host], e.At)
		w.ends[e.Host] = append(w.ends[e.Host], e.At)
	case history.Gone, history.Died:
		w.ends[e.Host] = append(w.ends[e.Host], e.At)
	case history.Lost:
		w.lost = append(w.lost, span{began: e.Began, ended: e.At})
		if e.Note == "" {
			w.lostAll = append(w.lostAll, span{began: e.Began, ended: e.At})
		}
	case history.Rest:
		w.alive, w.rested = e.Hosts, true
	case history.Stalled:
		w.stalls = append(w.stalls, span{began: e.Began, ended: e.At})
	case history.Killed, history.Disturbed, history.Restored:
		w.attack(e)
	}
}

func (w *world) attack(e *history.Entry) {
	disturbed := &w.engine
	if s := w.byName[e.Process]; s != nil {
		disturbed = &s.disturbed
	}
	switch e.Kind {
	case history.Disturbed:
		*disturbed = append(*disturbed, span{began: e.At, ended: never})
	case history.Restored:
		if n := len(*disturbed); n > 0 {
			(*disturbed)[n-1].ended = e.At
			w.faults = append(w.faults, (*disturbed)[n-1])
		}
	case history.Killed:
		w.faults = append(w.faults, span{began: e.Began, ended: e.At})
		if s := w.byName[e.Process]; s != nil {
			s.killed = e.Began
		}
	}
}

func newScheduler(name, address string) *scheduler {
	return &scheduler{
		name: name, address: address, killed: never, contacts: map[string][]span{},
		cleanings: map[key][]span{}, numbers: map[uint64]*put{},
	}
}

// take takes an entry of this scheduler.
func (s *scheduler) take(e *history.Entry) {
	k := key{e.Host, e.Registration}
	switch e.Kind {
	case history.Contact:
		s.contacts[e.Host] = append(s.contacts[e.Host], span{e.Began, e.At, e.Incarnation})
	case history.Joined, history.Departed:
		s.shown = append(s.shown, *e)
	case history.Missed:
		s.missed = true
	case history.View:
		s.view = e
	case history.Put:
		p := &put{by: s, began: e.At, ended: never, writes: e.Writes}
		s.puts = append(s.puts, p)
		s.numbers[e.Number] = p
	case history.Wrote:
		if p := s.numbers[e.Number]; p != nil {
			p.ended, p.err = e.At, e.Err
		}
	case history.Cleaning:
		s.cleanings[k] = append(s.cleanings[k], span{began: e.At, ended: never})
	case history.Cleaned:
		s.cleaned(k, e)
	case history.Stalled:
		s.stalls = append(s.stalls, span{began: e.Began, ended: e.At})
	case history.Snapshot, history.Seen:
		s.reads = append(s.reads, e)
	}
}

// cleaned takes the end of a cleanup. One that has failed does not count.
func (s *scheduler) cleaned(k key, e *history.Entry) {
	all := s.cleanings[k]
	switch n := len(all); {
	case n == 0:
	case e.Err != "":
		s.cleanings[k] = all[:n-1]
	default:
		all[n-1].ended = e.At
	}
}

// parseGone returns the registration of a key of a departure.
func parseGone(record string) (k key, ok bool) {
	rest, ok := strings.CutPrefix(record, "gone/")
	i := strings.LastIndexByte(rest, '/')
	if !ok || i < 0 {
		return k, false
	}
	n, err := strconv.ParseUint(rest[i+1:], 10, 64)
	return key{rest[:i], n}, err == nil
}
