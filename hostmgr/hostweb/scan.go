package hostweb

import (
	"slices"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

const searchChunk = 1024 // hosts whose texts are made together

// A scan reads all hosts once, and selects those of each list.
type scan[M any] struct {
	h      *Handler[M]
	lists  []*selection[M] // at most maxQueries
	census census
	zones  []zoneCounts
	unsure []unsureHost[M] // at most searchChunk
	until  time.Time       // when the time for texts is over
	late   bool            // it is over, or Describe hangs
	missed int             // hosts whose texts were not searched
}

// An unsureHost matches some lists if the text about its metadata does.
type unsureHost[M any] struct {
	hostmgr.Host[M]
	lists uint16 // a bit for each
	about string
}

// scan scans for a batch.
func (h *Handler[M]) scan(b *batch) *scan[M] {
	s := &scan[M]{h: h, census: census{}, until: b.began.Add(describeLimit)}
	for q, depth := range depths(b.queries) {
		s.lists = append(s.lists, &selection[M]{query: q, depth: depth, began: b.began})
	}
	for host := range h.Registry.All() {
		s.add(&host)
	}
	s.search()
	for _, list := range s.lists {
		list.cut()
	}
	s.zones = h.zones(s.census)
	return s
}

func (s *scan[M]) add(host *hostmgr.Host[M]) {
	s.census.of(host.Zone).add(host.State, host.Hold != hostmgr.HoldReason{})
	var unsure uint16
	for i, list := range s.lists {
		if list.add(host, s.h.Describe != nil) {
			unsure |= 1 << i
		}
	}
	if unsure == 0 {
		return
	}
	s.unsure = append(s.unsure, unsureHost[M]{Host: *host, lists: unsure})
	if len(s.unsure) == searchChunk {
		s.search()
	}
}

// search makes the texts about the hosts in unsure, and searches them. All texts of a scan have 2
// s. Hosts that are left after that are not found by their metadata.
func (s *scan[M]) search() {
	left := s.until.Sub(s.h.now())
	if s.late = s.late || left <= 0; s.late {
		s.missed += len(s.unsure)
	} else if len(s.unsure) > 0 {
		s.match(left)
	}
	clear(s.unsure)
	s.unsure = s.unsure[:0]
}

func (s *scan[M]) match(within time.Duration) {
	var t texts[M]
	for i := range s.unsure {
		t.add(s.unsure[i].Metadata, &s.unsure[i].about)
	}
	t.describe(s.h.Describe, s.h.clock(), &s.h.describing, within)
	for i := range s.unsure {
		u := &s.unsure[i]
		if u.about == describeHangs {
			s.late = true
			s.missed++
			continue
		}
		for j, list := range s.lists {
			if u.lists&(1<<j) != 0 {
				list.addIf(&u.Host, u.about)
			}
		}
	}
}

// list returns the selection of a query.
func (s *scan[M]) list(q query) *selection[M] {
	return s.lists[slices.IndexFunc(s.lists, func(l *selection[M]) bool { return l.query == q.list() })]
}
