package verify_test

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hostlife/hostlife/examples/internal/chaos/verify"
	"github.com/hostlife/hostlife/examples/internal/history"
)

var limits = verify.Limits{Timeout: 2 * time.Second, Lapse: 5 * time.Second, Slack: time.Second}

// A scene is histories that a test writes by hand. Times are in milliseconds.
type scene struct {
	files   map[string][]history.Entry
	version uint64
	records map[string]uint64 // versions
	puts    map[string]uint64
}

// newScene returns a scene with three schedulers a, b and c that are members from time 1 on.
func newScene() *scene {
	s := newLonely()
	for _, name := range []string{"a", "b", "c"} {
		s.puts[name] = 0
		s.write(name, 1, "m/"+name)
	}
	return s
}

// newLonely returns a scene with three schedulers that share nothing.
func newLonely() *scene {
	s := &scene{files: map[string][]history.Entry{}, records: map[string]uint64{}, puts: map[string]uint64{}}
	for _, name := range []string{"a", "b", "c", "host", "attack"} {
		s.add(name, history.Entry{Kind: history.Start, Process: name})
	}
	for _, name := range []string{"a", "b", "c"} {
		s.add("attack", history.Entry{Kind: history.Started, Process: name, Peer: "at " + name})
	}
	return s
}

func ms(n int64) int64 { return n * 1e6 }

func (s *scene) add(file string, e history.Entry) { s.files[file] = append(s.files[file], e) }

// contact is one that a scheduler acknowledges, and whose answer the host gets.
func (s *scene) contact(at int64, scheduler, host string) {
	s.add(scheduler, history.Entry{Kind: history.Contact, At: ms(at), Began: ms(at), Host: host, Incarnation: 1})
	s.add("host", history.Entry{Kind: history.Told, At: ms(at) + 1, Began: ms(at) - 1, Host: host, Peer: "at " + scheduler})
}

// write writes one record that the engine takes at once.
func (s *scene) write(scheduler string, at int64, key string) {
	s.batch(scheduler, at, s.next(key))
}

// next returns the next write of a record, and end its deletion.
func (s *scene) next(key string) history.Write {
	s.version++
	w := history.Write{Key: key, Expect: s.records[key], Version: s.version}
	s.records[key] = s.version
	return w
}

func (s *scene) end(key string) history.Write {
	w := s.next(key)
	w.Deleted = true
	delete(s.records, key)
	return w
}

func (s *scene) batch(scheduler string, at int64, writes ...history.Write) {
	s.puts[scheduler]++
	s.add(scheduler, history.Entry{Kind: history.Put, At: ms(at), Number: s.puts[scheduler], Writes: writes})
	s.add(scheduler, history.Entry{Kind: history.Wrote, At: ms(at) + 1e5, Number: s.puts[scheduler]})
}

// unanswered is batch, but no answer comes back.
func (s *scene) unanswered(scheduler string, at int64, writes ...history.Write) {
	s.puts[scheduler]++
	s.add(scheduler, history.Entry{Kind: history.Put, At: ms(at), Number: s.puts[scheduler], Writes: writes})
}

// join makes a host join at a scheduler, with a contact. All show it.
func (s *scene) join(at int64, scheduler, host string, registration uint64) {
	s.contact(at, scheduler, host)
	s.write(scheduler, at, "h/"+host)
	for _, name := range []string{"a", "b", "c"} {
		s.add(name, history.Entry{Kind: history.Joined, At: ms(at) + 2e6, Host: host, Registration: registration, Incarnation: 1})
	}
}

// evict makes a scheduler ask about a host at one time, and evict it 6 ms later. All show it.
func (s *scene) evict(asked int64, scheduler, host string, registration uint64) {
	s.ask(asked, scheduler, host)
	s.depart(asked+6, scheduler, host, registration, "evicted")
}

func (s *scene) ask(at int64, scheduler, host string) {
	s.write(scheduler, at, "h/"+host)
	s.write(scheduler, at+4, "h/"+host)
}

// depart makes a scheduler write and clean up a departure. All show it.
func (s *scene) depart(at int64, scheduler, host string, registration uint64, how string) {
	k := fmt.Sprintf("gone/%s/%d", host, registration)
	s.batch(scheduler, at+1, s.end("h/"+host), s.next(k))
	for i, name := range []string{"a", "b", "c"} {
		s.show(at+int64(i), name, host, registration, how, at)
	}
	s.clean(at+2, scheduler, host, registration)
	s.write(scheduler, at+3, k)
}

func (s *scene) show(at int64, scheduler, host string, registration uint64, how string, decided int64) {
	s.add(scheduler, history.Entry{
		Kind: history.Departed, At: ms(at), Host: host, Registration: registration, Incarnation: 1, How: how,
		Decided: ms(decided), Due: ms(decided - 6), Timeout: int64(limits.Timeout),
	})
}

func (s *scene) clean(at int64, scheduler, host string, registration uint64) {
	e := history.Entry{Kind: history.Cleaning, At: ms(at), Host: host, Registration: registration}
	s.add(scheduler, e)
	e.Kind, e.At = history.Cleaned, e.At+1
	s.add(scheduler, e)
}

func (s *scene) dies(at int64, host string) {
	s.add("attack", history.Entry{Kind: history.Died, At: ms(at), Began: ms(at), Host: host})
}

// attack notes what is done to a process.
func (s *scene) attack(kind history.Kind, at int64, process string) {
	s.add("attack", history.Entry{Kind: kind, At: ms(at), Began: ms(at), Process: process})
}

// rest ends the scene: all schedulers have these registrations, and these hosts are alive.
func (s *scene) rest(at int64, hosts map[string]uint64) {
	for _, name := range []string{"a", "b", "c"} {
		s.add(name, history.Entry{Kind: history.View, At: ms(at), Hosts: maps.Clone(hosts)})
	}
	s.add("attack", history.Entry{Kind: history.Rest, At: ms(at), Hosts: hosts})
}

// edit changes or removes entries of a history.
func (s *scene) edit(file string, kind history.Kind, keep func(*history.Entry) bool) {
	var kept []history.Entry
	for _, e := range s.files[file] {
		if e.Kind != kind || keep(&e) {
			kept = append(kept, e)
		}
	}
	s.files[file] = kept
}

func (s *scene) check() *verify.Report {
	var files []verify.File
	for _, name := range slices.Sorted(maps.Keys(s.files)) {
		files = append(files, verify.File{Name: name, Entries: s.files[name]})
	}
	return verify.Check(files, limits)
}
