package verify

import (
	"strings"

	"github.com/hostlife/hostlife/examples/internal/history"
)

// findMembers finds the records of members: their writers, and when others knew that they are gone.
func (w *world) findMembers() {
	for _, s := range w.schedulers {
		for _, p := range s.puts {
			for i := range p.writes {
				if x := &p.writes[i]; x.Expect == 0 && strings.HasPrefix(x.Key, "m/") && !p.refused() {
					w.members[x.Key] = &membership{owner: s, created: p.began, acked: p.ended, dead: never}
				}
			}
		}
	}
	for _, s := range w.schedulers {
		w.findDeletions(s)
		w.findReads(s)
	}
}

// findDeletions finds the records of members that a scheduler has deleted.
func (w *world) findDeletions(s *scheduler) {
	for _, p := range s.puts {
		for i := range p.writes {
			m := w.members[p.writes[i].Key]
			if m == nil || !p.writes[i].Deleted || !p.acked() {
				continue
			}
			m.dead = min(m.dead, p.ended)
			m.buried = m.buried || m.owner != s
		}
	}
}

// findReads finds what a scheduler has read: deletions, and snapshots without records that had been
// there before.
func (w *world) findReads(s *scheduler) {
	for _, e := range s.reads {
		there := map[string]bool{}
		for i := range e.Writes {
			x := &e.Writes[i]
			w.seen[x.Version] = true
			there[x.Key] = !x.Deleted
			if m := w.members[x.Key]; m != nil && x.Deleted {
				m.dead = min(m.dead, e.At)
			}
		}
		if e.Kind != history.Snapshot {
			continue
		}
		for id, m := range w.members {
			if !there[id] && m.acked < e.Began {
				m.dead = min(m.dead, e.At)
			}
		}
	}
}

// identity returns the latest record that a scheduler had asked for by a time; nil if it shares
// nothing.
func (w *world) identity(s *scheduler, by int64) (latest *membership) {
	for _, m := range w.members {
		if m.owner == s && m.created <= by && (latest == nil || m.created > latest.created) {
			latest = m
		}
	}
	return latest
}

// isMember reports whether a scheduler that acknowledged a contact at one time was still the same
// member at a later time, as far as any process knew. A scheduler that shares nothing always is.
func (w *world) isMember(s *scheduler, acknowledged, later int64) bool {
	m := w.identity(s, acknowledged)
	return m == nil || m.dead > later
}

// findWrites finds the batches that took place. A member repeats a write, with the same version, in
// other batches until one is not refused.
func (w *world) findWrites() {
	for _, s := range w.schedulers {
		for _, p := range s.puts {
			for i := range p.writes {
				if v := p.writes[i].Version; w.batch[v] == nil && (p.acked() || !p.refused() && w.seen[v]) {
					w.batch[v] = p
				}
			}
		}
	}
}

// took reports whether a write took place with this batch.
func (w *world) took(p *put, x *history.Write) bool { return w.batch[x.Version] == p }
