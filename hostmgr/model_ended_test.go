package hostmgr_test

import (
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

// A modelEnd is an incarnation that has ended, and until when that is remembered.
type modelEnd struct {
	incarnation uint64
	until       time.Duration
}

func (m *model) forgetEnds() {
	m.ended, m.kept, m.again = map[string]modelEnd{}, map[string]modelEnd{}, map[string]modelEnd{}
}

// end remembers an end, unless it is known already.
func (m *model) end(id string, incarnation uint64) {
	end := modelEnd{incarnation, m.now + 5*time.Minute}
	if e := m.ended[id]; m.now > e.until || incarnation > e.incarnation {
		m.ended[id] = end
	} else {
		m.again[id] = end
	}
}

// isUnsure reports whether an announce may be refused or not. The incarnation has ended twice, with
// a Restore in between. The registry compares the two ends only at the next join, and may have
// forgotten the first one by then. Then it remembers the second one for its full time.
func (m *model) isUnsure(id string, incarnation uint64) bool {
	a := m.again[id]
	return m.now <= a.until && incarnation <= a.incarnation && !m.over(id, incarnation)
}

// keepOut is ForgetFor.
func (m *model) keepOut(id string, incarnation uint64, d time.Duration) error {
	h, err := m.find(id, incarnation)
	if err != nil {
		return err
	}
	m.kept[id] = modelEnd{max(h.incarnation, m.keeps(id).incarnation), max(m.now+d, m.keeps(id).until)}
	return m.remove(id, incarnation, hostmgr.DepartureForgotten)
}

// keeps returns what keeps an id out.
func (m *model) keeps(id string) modelEnd {
	if k := m.kept[id]; m.now < k.until {
		return k
	}
	return modelEnd{}
}

// over reports whether an incarnation must not join.
func (m *model) over(id string, incarnation uint64) bool {
	e, k := m.ended[id], m.keeps(id)
	return k.until > 0 && incarnation <= k.incarnation ||
		incarnation != 0 && m.now <= e.until && incarnation <= e.incarnation
}
