package hostweb

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/share"
)

const (
	maxMembers = 100             // that the page shows: the table may be flooded with members
	staleAfter = 3 * time.Second // then a view is stale
	slowEngine = 2 * time.Second // a greater lag is an alert
	longOwed   = time.Minute     // a shared cleanup that is owed for longer is an alert
)

// sharingStats is share.Stats, and what the page adds to it.
type sharingStats struct {
	Summary     string      `json:"summary"`
	MemberCount int         `json:"memberCount"`
	Members     []peerStats `json:"members"` // the first maxMembers

	ID        string  `json:"id"`
	Ready     bool    `json:"ready"`
	Kept      int     `json:"kept"`
	Mirrored  int     `json:"mirrored"`
	Orphaned  int     `json:"orphaned"`
	Skipped   int     `json:"skipped"`
	Stale     seconds `json:"stale"`
	Lag       seconds `json:"lag"`
	Questions int     `json:"questions"`
	Slowest   string  `json:"slowest"`
	Quiet     seconds `json:"quiet"`
	SinceEnd  seconds `json:"sinceEnd"`
	Pending   int     `json:"pending"`

	Malformed     uint64         `json:"malformed"`
	CodecFailures uint64         `json:"codecFailures"`
	Snapshots     uint64         `json:"snapshots"`
	Losses        uint64         `json:"losses"`
	Buried        uint64         `json:"buried"`
	Burials       uint64         `json:"burials"`
	Writes        uint64         `json:"writes"`
	Conflicts     uint64         `json:"conflicts"`
	Unclear       uint64         `json:"unclear"`
	FeedErrors    uint64         `json:"feedErrors"`
	LeftBehind    int            `json:"leftBehind"`
	Cleanup       sharedCleanups `json:"cleanup"`
}

type peerStats struct {
	ID    string  `json:"id"`
	Name  string  `json:"name"`
	Age   seconds `json:"age"`
	Hosts int     `json:"hosts"`
	Self  bool    `json:"self"`
}

type sharedCleanups struct {
	Owed       int     `json:"owed"`
	OldestOwed seconds `json:"oldestOwed"`
	Running    int     `json:"running"`
	Done       uint64  `json:"done"`
	Failed     uint64  `json:"failed"`
	TakenOver  uint64  `json:"takenOver"`
}

// sharing returns nil if the registry is not shared.
func (h *Handler[M]) sharing() *sharingStats {
	if h.Member == nil {
		return nil
	}
	s := h.Member.Stats()
	return &sharingStats{
		Summary: sharingSummary(&s), MemberCount: len(s.Members), Members: peersOf(&s),
		ID: s.ID, Ready: s.Ready, Kept: s.Kept, Mirrored: s.Mirrored, Orphaned: s.Orphaned, Skipped: s.Skipped,
		Stale: seconds(s.Stale), Lag: seconds(s.Lag), Questions: s.Questions, Slowest: s.Slowest,
		Quiet: seconds(s.Quiet), SinceEnd: seconds(s.SinceEnd), Pending: s.Pending,
		Malformed: s.Malformed, CodecFailures: s.CodecFailures, Snapshots: s.Snapshots, Losses: s.Losses,
		Buried: s.Buried, Burials: s.Burials, Writes: s.Writes, Conflicts: s.Conflicts, Unclear: s.Unclear,
		FeedErrors: s.FeedErrors, LeftBehind: s.LeftBehind,
		Cleanup: sharedCleanups{
			s.Cleanup.Owed, seconds(s.Cleanup.OldestOwed), s.Cleanup.Running,
			s.Cleanup.Done, s.Cleanup.Failed, s.Cleanup.TakenOver,
		},
	}
}

func peersOf(s *share.Stats) []peerStats {
	peers := []peerStats{}
	for _, p := range s.Members[:min(len(s.Members), maxMembers)] {
		peers = append(peers, peerStats{p.ID, p.Name, seconds(p.Age), p.Hosts, p.Self})
	}
	return peers
}

// keeper returns the name and the id of the member that keeps a host. They are empty if it has no
// keeper that is alive, or the registry is not shared.
func (h *Handler[M]) keeper(id string) (name, member string) {
	if h.Member == nil {
		return "", ""
	}
	p, _ := h.Member.Keeper(id)
	return cmp.Or(p.Name, p.ID), p.ID
}

// sharingSummary returns the state in a line. What is rare is there only if it is so.
func sharingSummary(s *share.Stats) string {
	parts := []string{"not ready"}
	if s.Ready {
		parts[0] = "ready"
	}
	add := func(is bool, format string, args ...any) {
		if is {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	add(true, "%s kept here", several(s.Kept, "host"))
	add(true, "%s mirrored", grouped(uint64(max(0, s.Mirrored))))
	add(s.Orphaned > 0, "%s of them without a keeper that is alive", grouped(uint64(s.Orphaned)))
	add(s.Skipped > 0, "%s skipped", grouped(uint64(s.Skipped)))
	add(true, "last in touch with the table %s", away(-s.Stale))
	add(s.Lag > 0, "lag %s", span(s.Lag.Round(time.Millisecond/10)))
	add(s.Questions > 0, "%s open, %s has not read all of them", several(s.Questions, "question"), s.Slowest)
	add(s.Quiet > 0, "no questions for %s", span(s.Quiet.Round(time.Second/10)))
	add(s.SinceEnd > 0, "a member ended %s", away(-s.SinceEnd))
	add(s.Pending > 0, "%s to be written", several(s.Pending, "change"))
	add(s.Cleanup.Owed > 0, "%s owed, the oldest for %s", several(s.Cleanup.Owed, "shared cleanup"), wholeSeconds(s.Cleanup.OldestOwed))
	return strings.Join(parts, " · ")
}

// ofSharing says first whether the view is stale.
func (l *alertList) ofSharing(s *sharingStats, of *hostmgr.Stats, now time.Time) {
	if s == nil {
		return
	}
	stale, lag, owed := time.Duration(s.Stale), time.Duration(s.Lag), time.Duration(s.Cleanup.OldestOwed)
	switch {
	case stale > staleAfter:
		l.bad(toMembers, "This view is stale since %s (%s): no host is evicted. This member is out of touch with the table.",
			now.Add(-stale).UTC().Format("15:04:05 MST"), wholeSeconds(stale))
	case !s.Ready:
		l.bad(toMembers, "This member is not ready: it does not run, or has not joined the others yet. No host is evicted.")
	case of.Held > 0:
		l.ofWait(s)
	}
	if lag > slowEngine {
		l.warn(toMembers, "The engine is slow: the latest renewal took %s to come back.", span(lag.Round(time.Millisecond)))
	}
	if s.Skipped > 0 {
		l.warn(toMembers, "%s of the table %s not here as the table describes them: see the log.", several(s.Skipped, "host"), be(s.Skipped))
	}
	if owed > longOwed {
		l.warn(toMembers, "%s owed, the oldest for %s.", are(s.Cleanup.Owed, "shared cleanup"), wholeSeconds(owed))
	}
}

// ofWait says what hosts that are due wait for.
func (l *alertList) ofWait(s *sharingStats) {
	switch {
	case s.Quiet > 0:
		l.warn(toMembers, "This member asks the others about no host for %s: it was out of touch, or stalled. So hosts that are due are held.",
			wholeSeconds(time.Duration(s.Quiet)+time.Second))
	case s.Questions > 0:
		l.warn(toMembers, "%s not read by all members: %s is the slowest.", are(s.Questions, "question"), s.Slowest)
	case s.SinceEnd > 0:
		l.warn(toMembers, "A member ended %s ago, and may have been the last to hear some hosts. So silent hosts are kept for their timeout once more.",
			wholeSeconds(time.Duration(s.SinceEnd)))
	}
}
