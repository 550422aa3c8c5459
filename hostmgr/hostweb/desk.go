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
	maxQuestions = 16 // that one pass answers
	maxZones     = 64 // that hosts are counted by, as the registry does, beside:
	otherZones   = "other"
	minFresh     = 500 * time.Millisecond
	freshFactor  = 10 // of the time that a pass took
)

// A desk answers questions about all hosts: with one pass over the registry those of all who wait.
// It has no goroutine of its own; one of those who ask makes the pass.
type desk[M any] struct {
	mu   sync.Mutex // guards all below, and a round's questions until it begins; not held in a pass
	last *round     // that is done
	next *round     // that takes questions
	busy chan struct{}
}

// A round is one pass and its answers, which are not changed any more when done is closed.
type round struct {
	questions []question
	answers   map[question]*hostsPage
	asked     map[question]bool // again, after it was done; guarded by desk.mu
	began     time.Time
	took      time.Duration
	done      chan struct{}
}

func (r *round) ended() time.Time { return r.began.Add(r.took) }

// fresh tells whether the answers are still good. A clock that stepped back makes them stale.
func (r *round) fresh(now time.Time) bool {
	return !now.Before(r.began) && now.Before(r.ended().Add(max(minFresh, freshFactor*r.took)))
}

// hosts answers a question, or fails when ctx ends first.
func (h *Handler[M]) hosts(ctx context.Context, q question) (*hostsPage, error) {
	for {
		answer, r := h.desk.place(q, h.now())
		if answer != nil {
			return answer, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-r.done:
		case h.desk.busy <- struct{}{}: // one slot: whoever gets it makes the pass for all
			if err := h.pass(ctx, r); err != nil {
				return nil, err
			}
		}
		if answer := r.answers[q]; answer != nil {
			return answer, nil
		} // the round was full
	}
}

// place returns the answer that is there, or else the round that will have it or is full.
func (d *desk[M]) place(q question, now time.Time) (*hostsPage, *round) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.busy == nil {
		d.busy = make(chan struct{}, 1)
	}
	if l := d.last; l != nil && l.answers[q] != nil && l.fresh(now) {
		l.asked[q] = true
		return l.answers[q], nil
	}
	if d.next == nil {
		d.next = &round{done: make(chan struct{})}
	}
	d.next.take(q)
	return nil, d.next
}

// take adds a question, if there is room for it: for so many questions, and for the hosts that all
// of them keep together. A page that is not deep never wants for the latter.
func (r *round) take(q question) {
	if len(r.questions) == maxQuestions || slices.Contains(r.questions, q) {
		return
	}
	r.questions = append(r.questions, q)
	if q.depth() > shallow && r.deep() > maxDepth {
		r.questions = r.questions[:len(r.questions)-1]
	}
}

// deep is how many hosts the lists with deep pages have up to the ends of these.
func (r *round) deep() (sum int) {
	for _, depth := range depths(r.questions) {
		if depth > shallow {
			sum += depth
		}
	}
	return sum
}

// depths are, by list, how far the deepest page goes.
func depths(questions []question) map[question]int {
	lists := map[question]int{}
	for _, q := range questions {
		lists[q.list()] = max(lists[q.list()], q.depth())
	}
	return lists
}

// pass makes a round's pass, unless somebody has, and gives back the slot. All who want that wait
// with a context of their own.
func (h *Handler[M]) pass(ctx context.Context, r *round) error {
	defer func() { <-h.desk.busy }()
	if err := h.rest(ctx); err != nil {
		return err
	}
	if !h.desk.begin(r) {
		return nil
	}
	defer close(r.done) // even if the embedder's clock panics
	r.began = h.now()
	lists, counts := h.look(r)
	r.took = h.now().Sub(r.began)
	r.answers, r.asked = map[question]*hostsPage{}, map[question]bool{}
	for _, q := range r.questions {
		r.answers[q] = h.hostsPage(r, q, lists[q.list()], counts)
	}
	h.desk.mu.Lock()
	defer h.desk.mu.Unlock()
	h.desk.last = r
	return nil
}

// rest waits until as long as the last pass took has passed since: so that whoever asks always new
// questions takes half a core, and not all of it.
func (h *Handler[M]) rest(ctx context.Context) error {
	h.desk.mu.Lock()
	last := h.desk.last
	h.desk.mu.Unlock()
	if last == nil {
		return nil
	}
	pause := min(last.ended().Add(last.took).Sub(h.now()), last.took) // if the clock stepped back
	if pause <= 0 {
		return nil
	}
	select {
	case <-h.clock().After(pause):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// begin has a round take no more questions but those of the last one that were asked again, so
// that the answers of all who look grow old together.
func (d *desk[M]) begin(r *round) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.next != r {
		return false
	}
	d.next = nil
	if d.last != nil {
		for q := range d.last.asked {
			r.take(q)
		}
	}
	return true
}

// look goes through all hosts once, and selects from them what the pages of each list are made of.
func (h *Handler[M]) look(r *round) (map[question]*selection[M], []zoneCounts) {
	lists := map[question]*selection[M]{}
	for q, depth := range depths(r.questions) {
		lists[q] = &selection[M]{question: q, depth: depth, began: r.began}
	}
	zones := census{}
	for host := range h.Registry.All() {
		zones.of(host.Zone).add(host.State, host.Held != "")
		for _, s := range lists {
			s.add(&host)
		}
	}
	for _, s := range lists {
		s.cut()
	}
	return lists, zones.sorted()
}

// A census counts hosts by zone. Those of the 65th zone and on are counted as one.
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
	Held    int `json:"held"` // of them
}

// zoneCounts are those of a zone.
type zoneCounts struct {
	Name string `json:"name"`
	stateCounts
}

// Total is all of them.
func (c stateCounts) Total() int { return c.Alive + c.Late + c.Suspect + c.Offline }

func (c *stateCounts) add(s hostmgr.State, held bool) {
	switch s {
	case hostmgr.Alive:
		c.Alive++
	case hostmgr.Late:
		c.Late++
	case hostmgr.Suspect:
		c.Suspect++
	default:
		c.Offline++
	}
	if held {
		c.Held++
	}
}
