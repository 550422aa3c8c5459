package share

import (
	"time"

	"github.com/hostlife/hostlife/hostmgr/share/internal/record"
)

// An absence is a fault that waits until its member creates the record of a host. Then the member
// is cut off, the engine loses the record, and the others write more than was lost, before the
// member comes back. The host goes on talking to it.
type absence struct {
	m     *simMember
	after time.Duration // the record was created
	lasts time.Duration
}

// aimAtJoin makes an absence of a member wait for its next host.
func (s *simulation) aimAtJoin(m *simMember) {
	a := &absence{m: m, after: s.between(20*time.Millisecond, 300*time.Millisecond), lasts: s.between(1500*time.Millisecond, 4500*time.Millisecond)}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.aim = a
}

// wrote takes a batch that a member has written: see oracle.wrote.
func (s *simulation) wrote(m *simMember, t *tableOf, batch []Write) {
	changes := s.oracle.wrote(t, batch)
	joins := false
	for i := range batch {
		joins = joins || batch[i].Expect == 0 && record.ParseKey(batch[i].Key).Kind == record.KindHost
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.aim; joins && a != nil && a.m == m {
		s.aim = nil
		time.AfterFunc(a.after, func() { s.begins(a, t, changes-len(batch)) })
	}
}

// begins begins an absence. The table loses all but this many changes.
func (s *simulation) begins(a *absence, t *tableOf, keep int) {
	if a.m.link.isCut() || a.m.p.isDead() || t != s.reach(0) {
		return
	}
	lost := t.Lose(s.oracle.wrote(t, nil) - keep)
	s.disturb("%s cut off for %v, and the engine loses %d changes", a.m.name, a.lasts, lost)
	a.m.link.drop()
	time.AfterFunc(a.lasts, func() {
		if !a.m.p.isDead() {
			s.disturb("%s is connected", a.m.name)
			a.m.link.setCut(false)
		}
	})
}
