package schedulerd

import (
	"context"
	"log/slog"
	"time"

	commonv2 "d7y.io/api/v2/pkg/apis/common/v2"
	"google.golang.org/protobuf/proto"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/share"
)

const (
	healthPeriod = 50 * time.Millisecond  // between two looks at whether the registry is shared
	flushLimit   = 500 * time.Millisecond // that a leave waits for the table
	goodbyeLimit = 6 * time.Second        // a goodbye takes 5 s at most if the engine hangs
)

type host = commonv2.Host

// A member shares the registry with other schedulers. A nil member stands for a registry that is
// not shared: its scheduler is on its own, and always ready.
type member struct {
	shared  *share.Member[*host]
	process string // names this process
	name    string
}

// isReady reports whether this scheduler may acknowledge contacts: see share.Member.Ready.
func (m *member) isReady() bool { return m == nil || m.shared.Ready() }

// instance names the process that has the peers in memory. It is empty if hosts do not outlive it.
func (m *member) instance() string {
	if m == nil {
		return ""
	}
	return m.process
}

// goodbye returns how long the end of the member may take.
func (m *member) goodbye() time.Duration {
	if m == nil {
		return 0
	}
	return goodbyeLimit
}

// flush waits until the table has what the registry knows, but not for long. If the table does not
// answer, the others learn of it later, or find the host silent.
func (m *member) flush(ctx context.Context) {
	if m == nil {
		return
	}
	limited, cancel := context.WithTimeout(ctx, flushLimit)
	defer cancel()
	_ = m.shared.Flush(limited)
}

// keeperOf returns the log attribute that names the member that judges a host. The attribute is
// empty if the registry is not shared, or the keeper is not known.
func (m *member) keeperOf(id string) slog.Attr {
	if m == nil {
		return slog.Attr{}
	}
	keeper, ok := m.shared.Keeper(id)
	if !ok {
		return slog.Attr{}
	}
	return slog.String("keeper", keeper.Name)
}

// status returns log attributes.
func (m *member) status() []any {
	if m == nil {
		return nil
	}
	st := m.shared.Stats()
	return []any{
		"member", st.ID, "ready", st.Ready, "members", len(st.Members), "kept", st.Kept, "mirrored", st.Mirrored,
		"orphaned", st.Orphaned, "skipped", st.Skipped, "stale", st.Stale, "quiet", st.Quiet, "since_end", st.SinceEnd, "questions", st.Questions,
		"unwritten", st.Pending, "losses", st.Losses, "buried", st.Buried,
		"shared_cleanups", st.Cleanup.Done, "shared_cleanups_owed", st.Cleanup.Owed,
	}
}

// sharedCleanup is where a scheduler would free what lies outside of all schedulers, such as rows of
// a database. This one only logs that it was called. It runs on one scheduler for each departure,
// and cleanup on all of them.
func (s *Server) sharedCleanup(_ context.Context, d hostmgr.Departure[*host]) error {
	if s.verbose {
		s.log.Info("shared cleanup", "host", d.Host.ID, "kind", d.Kind.String(),
			"registration", decimal(d.Host.Registration), "attempt", d.Attempt)
	}
	return nil
}

// protobuf is the Codec of the hosts in the table. Equal hosts have equal bytes.
type protobuf struct{}

func (protobuf) Encode(h *host) ([]byte, error) {
	return proto.MarshalOptions{Deterministic: true}.Marshal(h)
}

func (protobuf) Decode(b []byte) (*host, error) {
	h := new(host)
	return h, proto.Unmarshal(b, h)
}
