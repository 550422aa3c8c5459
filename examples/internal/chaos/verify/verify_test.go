package verify_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/internal/chaos/verify"
	"github.com/hostlife/hostlife/examples/internal/history"
)

func never(*history.Entry) bool { return false }

// sound returns a scene without a breach: one host dies and is evicted, one leaves, one lives.
func sound() *scene {
	s := newScene()
	s.join(100, "a", "dies", 1)
	s.join(100, "b", "leaves", 2)
	s.join(100, "c", "lives", 3)
	for t := int64(1000); t < 20000; t += 1000 {
		s.contact(t, "c", "lives")
		if t < 3000 {
			s.contact(t, "b", "dies")
		}
	}
	s.dies(2500, "dies")
	s.evict(4010, "a", "dies", 1)
	s.add("host", history.Entry{Kind: history.Leaving, At: ms(5000), Host: "leaves"})
	s.depart(5000, "c", "leaves", 2, "left")
	s.rest(20000, map[string]uint64{"lives": 3})
	return s
}

func TestASoundHistoryHasNoBreach(t *testing.T) {
	r := sound().check()
	require.Empty(t, r.Breaches())
	require.Equal(t, 24, r.Contacts)
	require.Equal(t, r.Contacts, r.Told)
	require.Equal(t, 1, r.Evictions)
	require.Equal(t, 1, r.Left)
	require.Zero(t, r.Alive+r.InWindow+r.Excused)
}

func TestAHostMayBeKilledBeforeItWritesAnything(t *testing.T) {
	s := sound()
	s.files["dies-life-2.jsonl"] = nil
	require.Empty(t, s.check().Breaches())
}

// Each breach is found, and nothing else.
func TestEachBreachIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		breaks func(*scene)
		found  func(*verify.Report) []string
		what   string
	}{
		"another member heard it before the question": {
			func(s *scene) { s.contact(3900, "c", "dies") },
			wrong, "c had acknowledged it at 3.900 s",
		},
		"the evicting member heard it after the question": {
			func(s *scene) { s.contact(4015, "a", "dies") },
			wrong, "a had acknowledged it at 4.015 s",
		},
		"it had rejoined as another member": {
			func(s *scene) {
				s.write("c", 3000, "m/c2")
				s.batch("b", 3001, s.end("m/c"))
				s.contact(3900, "c", "dies")
			},
			wrong, "c had acknowledged it at 3.900 s",
		},
		"its member was buried afterwards": {
			func(s *scene) {
				s.contact(3900, "c", "dies")
				s.batch("b", 4017, s.end("m/c"))
			},
			wrong, "c had acknowledged it at 3.900 s",
		},
		"a contact at a member that was buried": {
			func(s *scene) {
				s.contact(3900, "c", "dies")
				s.batch("b", 3950, s.end("m/c"))
			},
			away, "c, which was no member any more, had acknowledged it at 3.900 s",
		},
		"a contact at a member whose record the engine has lost": {
			func(s *scene) {
				s.contact(3900, "c", "dies")
				s.add("a", history.Entry{Kind: history.Snapshot, Began: ms(3900), At: ms(3901)})
			},
			away, "c, which was no member any more, had acknowledged it at 3.900 s",
		},
		"a host that a snapshot lacks, and that no member has ended": {
			func(s *scene) {
				s.add("b", history.Entry{Kind: history.Departed, At: ms(18500), Host: "lives", Registration: 3, How: "evicted", Judged: "out of touch"})
				s.add("b", history.Entry{Kind: history.Joined, At: ms(18600), Host: "lives", Registration: 3})
			},
			wrong, "registration 3 of lives departed, which no scheduler has ended",
		},
		"a departure that one scheduler never shows": {
			func(s *scene) { s.edit("b", history.Departed, func(e *history.Entry) bool { return e.Host != "dies" }) },
			lost, "b has never shown that dies departed",
		},
		"a leave that one scheduler never shows": {
			func(s *scene) {
				s.edit("b", history.Departed, func(e *history.Entry) bool { return e.Host != "leaves" })
			},
			lost, "b has never shown that leaves departed",
		},
		"a registration that vanishes when the next one joins": {
			func(s *scene) {
				s.add("a", history.Entry{Kind: history.Joined, At: ms(18000), Host: "lives", Registration: 4})
			},
			lost, "a has never shown that registration 3 of lives departed",
		},
		"a departure that no scheduler cleans up": {
			func(s *scene) { s.edit("a", history.Cleaned, never) },
			lost, "no scheduler has cleaned up",
		},
		"a late departure": {
			func(s *scene) {
				s.edit("b", history.Departed, func(e *history.Entry) bool { return e.Host != "dies" })
				s.show(10600, "b", "dies", 1, "evicted", 4016)
			},
			late, "b has shown 0.100 s after 8.000 s",
		},
		"a departure shown twice": {
			func(s *scene) { s.show(9000, "b", "dies", 1, "evicted", 4016) },
			doubles, "b has shown 2 times",
		},
		"a departure written twice": {
			func(s *scene) { s.batch("b", 9000, history.Write{Key: "gone/dies/1", Version: 999}) },
			doubles, "was written 2 times",
		},
		"a cleanup done twice after no answer": {
			func(s *scene) {
				s.unanswered("b", 4000, history.Write{Key: "h/dies", Version: 998})
				s.batch("b", 9000, history.Write{Key: "gone/dies/1", Version: 999})
				s.clean(9000, "b", "dies", 1)
			},
			doubles, "cleaned up by a at 4.018 s, and again by b at 9.000 s",
		},
		"a cleanup done twice": {
			func(s *scene) { s.clean(9000, "b", "dies", 1) },
			doubles, "cleaned up by a at 4.018 s, and again by b at 9.000 s",
		},
		"a scheduler that was frozen later cleans up twice": {
			func(s *scene) {
				s.attack(history.Disturbed, 5000, "a")
				s.attack(history.Restored, 6000, "a")
				s.clean(9000, "b", "dies", 1)
			},
			doubles, "again by b",
		},
		"views that differ": {
			func(s *scene) {
				s.edit("c", history.View, func(e *history.Entry) bool { e.Hosts["lives"] = 9; return true })
			},
			views, "a and c differ at the end: lives",
		},
		"a view that lacks a host": {
			func(s *scene) {
				for _, name := range []string{"a", "b", "c"} {
					s.edit(name, history.View, func(e *history.Entry) bool { clear(e.Hosts); return true })
				}
			},
			views, "a at the end: it lacks lives",
		},
		"an acknowledged contact that no scheduler has written down": {
			func(s *scene) { s.edit("b", history.Contact, func(e *history.Entry) bool { return e.At != ms(2000) }) },
			gaps, "dies was told by at b",
		},
		"a scheduler that lost events": {
			func(s *scene) { s.add("b", history.Entry{Kind: history.Missed, Number: 1}) },
			gaps, "b could not follow",
		},
		"a history without a start": {
			func(s *scene) { s.files["x"] = []history.Entry{{Kind: history.Contact}} },
			gaps, "x has no start",
		},
		"an empty history": {
			func(s *scene) { s.files["lives-life-1.jsonl"] = nil },
			gaps, "lives-life-1.jsonl is empty",
		},
		"histories without an end": {
			func(s *scene) { s.edit("attack", history.Rest, never) },
			gaps, "no end",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := sound()
			c.breaks(s)
			r := s.check()
			found := c.found(r)
			require.Len(t, found, 1)
			require.Contains(t, found[0], c.what)
			if name != "histories without an end" {
				require.Len(t, r.Breaches(), 1)
			}
		})
	}
}

func wrong(r *verify.Report) []string   { return r.Wrong }
func away(r *verify.Report) []string    { return r.Away }
func lost(r *verify.Report) []string    { return r.Lost }
func late(r *verify.Report) []string    { return r.Late }
func doubles(r *verify.Report) []string { return r.Doubles }
func views(r *verify.Report) []string   { return r.Views }
func gaps(r *verify.Report) []string    { return r.Gaps }

// What the protocol allows is no breach, and is counted.
func TestWhatIsAllowedIsCounted(t *testing.T) {
	for name, c := range map[string]struct {
		allowed func(*scene)
		counted func(*verify.Report) int
	}{
		"a contact between the question and the eviction": {
			func(s *scene) { s.contact(4012, "c", "dies") },
			func(r *verify.Report) int { return r.InWindow },
		},
		"a departure written again after it was lost": {
			func(s *scene) {
				s.add("attack", history.Entry{Kind: history.Lost, Began: ms(4000), At: ms(8000)})
				s.batch("b", 9000, history.Write{Key: "gone/dies/1", Version: 999})
			},
			func(r *verify.Report) int { return r.Excused },
		},
		"a departure written again by a scheduler that got no answer": {
			func(s *scene) {
				s.unanswered("b", 4000, history.Write{Key: "h/dies", Version: 998})
				s.batch("b", 9000, history.Write{Key: "gone/dies/1", Version: 999})
			},
			func(r *verify.Report) int { return r.Excused },
		},
		"a departure written again by a scheduler that was cut off": {
			func(s *scene) {
				s.batch("b", 3000, history.Write{Key: "h/dies", Version: 998})
				s.attack(history.Disturbed, 3100, "b")
				s.attack(history.Restored, 8900, "b")
				s.batch("b", 9000, history.Write{Key: "gone/dies/1", Version: 999})
			},
			func(r *verify.Report) int { return r.Excused },
		},
		"a cleanup done again after the first scheduler was frozen in it": {
			func(s *scene) {
				s.attack(history.Disturbed, 4018, "a")
				s.attack(history.Restored, 4019, "a")
				s.clean(9000, "b", "dies", 1)
			},
			func(r *verify.Report) int { return r.Excused },
		},
		"a cleanup done again after the first scheduler was killed in it": {
			func(s *scene) {
				s.attack(history.Killed, 4018, "a")
				s.clean(9000, "b", "dies", 1)
			},
			func(r *verify.Report) int { return r.Excused },
		},
		"a departure that one member finds by a snapshot": {
			func(s *scene) {
				s.edit("b", history.Departed, func(e *history.Entry) bool {
					if e.Host == "dies" {
						e.Judged = "out of touch"
					}
					return true
				})
			},
			func(r *verify.Report) int { return r.Unrecognized },
		},
		"a host that comes back after its eviction": {
			func(s *scene) { s.contact(4900, "a", "dies") },
			func(r *verify.Report) int { return r.Alive },
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := sound()
			c.allowed(s)
			r := s.check()
			require.Empty(t, r.Breaches())
			require.Equal(t, 1, c.counted(r))
		})
	}
}

// Schedulers that share nothing evict hosts that others hear.
func TestSchedulersThatShareNothingAreFound(t *testing.T) {
	s := newLonely()
	s.contact(100, "a", "roams")
	for t := int64(1000); t < 5000; t += 1000 {
		s.contact(t, "b", "roams")
	}
	s.show(2110, "a", "roams", 1, "evicted", 2110)
	s.rest(6000, map[string]uint64{"roams": 2})
	r := s.check()
	require.Len(t, r.Wrong, 1)
	require.Contains(t, r.Wrong[0], "roams, registration 1, was evicted by a")
}
