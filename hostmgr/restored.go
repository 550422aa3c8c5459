package hostmgr

import (
	"github.com/hostlife/hostlife/hostmgr/internal/detector"
	"github.com/hostlife/hostlife/hostmgr/internal/index"
)

// restored has the hosts that Restore has registered and that have made no contact since. Their
// contact word is the time of Restore, from which their timeouts count in full. Their real last
// contact was before that. The registry's lock guards it.
//
// A contact only writes the word. So an entry counts only while the word is that of Restore. Sweeps
// drop the others, a few at a time.
//
// A host that was suspect stays suspect until its first contact. The verdict on it follows from its
// word, so judge corrects the verdict.
type restored struct {
	hosts map[hostKey]restoredHost // nil if there are none
	order []restoredKey            // in which sweeps look at them
	added uint64
}

type restoredHost struct {
	at      int64  // of Restore
	last    int64  // the last contact, before that
	number  uint64 // in order: the same registration may be restored again
	suspect bool   // it was suspect or due before Restore, and has made no contact since
}

type restoredKey struct {
	hostKey
	number uint64
}

func (r *restored) add(e index.Entry, at, last int64) {
	if r.hosts == nil {
		r.hosts = map[hostKey]restoredHost{}
	}
	r.added++
	r.hosts[keyOf(e)] = restoredHost{at: at, last: last, number: r.added}
	r.order = append(r.order, restoredKey{keyOf(e), r.added})
}

// suspect notes that a host was suspect before Restore registered it, at a time.
func (r *restored) suspect(e index.Entry, at int64) {
	h, ok := r.hosts[keyOf(e)]
	if !ok {
		r.add(e, at, at)
		h = r.hosts[keyOf(e)]
	}
	h.suspect = true
	r.hosts[keyOf(e)] = h
}

// judge makes a host suspect since Restore if it was suspect before, and has made no contact since.
// Its eviction does not change.
func (r *restored) judge(a *assessment, e index.Entry) {
	if h, ok := r.of(e, a.Word); ok && h.suspect {
		a.SuspectAt = min(a.SuspectAt, h.at-1)
		a.State = max(a.State, detector.StateSuspect)
	}
}

// of returns the entry of a host, if its word still has the contact of Restore.
func (r *restored) of(e index.Entry, word int64) (h restoredHost, ok bool) {
	h, ok = r.hosts[keyOf(e)]
	return h, ok && h.at == index.ContactOf(word)
}

// heard notes a contact: one at the time of Restore, which has not changed the word, or one before
// it that was observed elsewhere. The latter ends the suspicion of a host only if it was so late
// that the host would not have been suspect at Restore.
func (r *restored) heard(e index.Entry, at int64) {
	h, ok := r.hosts[keyOf(e)]
	switch {
	case !ok:
	case at >= h.at:
		r.drop(keyOf(e))
	case at > h.last:
		h.last = at
		if silence := h.at - at; silence <= e.Timeouts().Wait(false) {
			h.suspect = false
		}
		r.hosts[keyOf(e)] = h
	}
}

// move gives what is known of a host to its other registration.
func (r *restored) move(from, to hostKey) {
	h, ok := r.hosts[from]
	if !ok {
		return
	}
	r.added++
	h.number = r.added
	r.hosts[to] = h
	r.order = append(r.order, restoredKey{to, h.number})
	r.drop(from)
}

// drop leaves the key in order until tidy finds it. It drops the map with its last entry, because
// maps do not shrink.
func (r *restored) drop(k hostKey) {
	if delete(r.hosts, k); len(r.hosts) == 0 {
		*r = restored{}
	}
}

const tidied = 1024 // hosts that one sweep looks at, so that it does not hold the lock for long

// tidy drops hosts that have made a contact, and keys of hosts that were dropped.
func (r *restored) tidy(x *index.Index) {
	n := min(tidied, len(r.order))
	looked := r.order[:n]
	r.order = r.order[n:]
	for _, k := range looked {
		if h, ok := r.hosts[k.hostKey]; !ok || h.number != k.number {
			continue
		}
		if e, ok := x.LookupRegistration(k.hash, k.registration); ok && r.unheard(e) {
			r.order = append(r.order, k)
		} else {
			r.drop(k.hostKey)
		}
	}
}

func (r *restored) unheard(e index.Entry) bool {
	_, ok := r.of(e, e.Word())
	return ok
}
