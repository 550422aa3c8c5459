package peers_test

import (
	"maps"
	"testing"
	"time"

	"github.com/hostlife/hostlife/benchmarks/internal/peers"
)

// TestScript has every peer do the same, so that the comparison is between things that
// work. All of them read the machine's clock: time passes here.
func TestScript(t *testing.T) {
	for _, p := range peers.All {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			comesAndGoes(t, p)
			for try := 1; !dies(t, p); try++ {
				if try == 20 {
					t.Skip("the machine is too busy to tell which hosts are silent")
				}
			}
		})
	}
}

func comesAndGoes(t *testing.T, p peers.Peer) {
	r := p.New(time.Hour)
	defer r.Close()
	want(t, "a heartbeat of an unknown host", r.Heartbeat("a"), false)
	want(t, "hosts after it", r.Len(), 0)
	want(t, "a leave of an unknown host", r.Leave("a"), false)

	r.Announce("a", &peers.Meta{Name: "first"})
	r.Announce("a", &peers.Meta{Name: "again"})
	r.Announce("b", &peers.Meta{Name: "b"})
	want(t, "a heartbeat of a known host", r.Heartbeat("a"), true)
	want(t, "hosts", r.Len(), 2)
	want(t, "evicted of the living", r.Sweep(), 0)
	if b, ok := r.(peers.Batcher); ok {
		want(t, "heartbeats of known hosts", b.Heartbeats([]string{"a", "b"}), true)
		want(t, "heartbeats of which one is unknown", b.Heartbeats([]string{"a", "c", "b"}), false)
	}
	if f, ok := r.(peers.Finder); ok {
		finds(t, f)
	}
	if s, ok := r.(peers.Sampler); ok {
		want(t, "a sample of more than there are", s.Sample(16), 2)
	}

	want(t, "a leave", r.Leave("a"), true)
	want(t, "a heartbeat after it", r.Heartbeat("a"), false)
	want(t, "the host that stays", r.Heartbeat("b"), true)
	want(t, "hosts in the end", r.Len(), 1)
}

func finds(t *testing.T, f peers.Finder) {
	m, ok := f.Metadata("a")
	want(t, "metadata of a known host", ok && m.Name == "again", true)
	_, ok = f.Metadata("c")
	want(t, "metadata of an unknown host", ok, false)
	found := map[string]string{}
	f.Range(func(id string, m *peers.Meta) { found[id] = m.Name })
	want(t, "all metadata", maps.Equal(found, map[string]string{"a": "again", "b": "b"}), true)
}

// dies lets one of two hosts heartbeat beyond its first deadline. It reports false if the
// machine was too busy for the other one to heartbeat in time.
func dies(t *testing.T, p peers.Peer) bool {
	timeout := 300*time.Millisecond + p.Grace
	r := p.New(timeout)
	defer r.Close()
	if f, ok := r.(peers.Follower); ok {
		f.Follow()
	}
	heard := time.Now()
	r.Announce("silent", &peers.Meta{})
	r.Announce("alive", &peers.Meta{})
	for end := heard.Add(timeout + p.Grace + 50*time.Millisecond); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		heartbeat := r.Heartbeat("alive")
		if late := time.Since(heard); late > timeout/4 {
			return false
		}
		heard = time.Now()
		want(t, "a heartbeat of the live host", heartbeat, true)
	}
	evicted, heartbeat, left := r.Sweep(), r.Heartbeat("alive"), r.Len()
	if time.Since(heard) > timeout/4 {
		return false
	}
	want(t, "a heartbeat of the live host, after the sweep", heartbeat, true)
	want(t, "hosts left", left, 1)
	want(t, "a heartbeat of the dead", r.Heartbeat("silent"), false)
	if p.Eager {
		return true // without a count of its own; and its grain is too coarse to wait for it again
	}
	want(t, "evicted", evicted, 1)
	time.Sleep(timeout + p.Grace + 10*time.Millisecond)
	r.Sweep()
	want(t, "hosts after all died", r.Len(), 0)
	return true
}

func want[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: %v, not %v", what, got, want)
	}
}
