package hostprom

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hostlife/hostlife/hostmgr/share"
)

type shared = share.Stats

func keptBy(keeper string) *prometheus.Desc {
	return of("share_hosts", "Hosts in the table by keeper: this member, another one, or none that is alive.", "keeper", keeper)
}

func sharedCleanups(outcome string) *prometheus.Desc {
	return of("share_cleanup_attempts_total", "Attempts of shared cleanups that have ended here.", "outcome", outcome)
}

// memberFigures are all metrics of a member.
var memberFigures = []figure[shared]{
	gauge(of("share_ready", "1 if this member may acknowledge contacts; otherwise 0. While it is 0, the registry evicts no host."), ready),
	gauge(of("share_members", "Members in the table, as this one last knew them."), func(s *shared) int { return len(s.Members) }),
	gauge(keptBy("this"), func(s *shared) int { return s.Kept }),
	gauge(keptBy("another"), func(s *shared) int { return s.Mirrored - s.Orphaned }),
	gauge(keptBy("none"), func(s *shared) int { return s.Orphaned }),
	gauge(of("share_skipped_hosts", "Hosts that the registry does not have as the table describes them."), func(s *shared) int { return s.Skipped }),

	gauge(of("share_stale_seconds", "Time since this member was last in touch with the table."), func(s *shared) float64 { return s.Stale.Seconds() }),
	gauge(of("share_lag_seconds", "Time that the latest renewal of this member took to come back from the engine."), func(s *shared) float64 { return s.Lag.Seconds() }),
	gauge(of("share_quiet_seconds", "Remaining time in which this member asks no question, so that it evicts no host."), func(s *shared) float64 { return s.Quiet.Seconds() }),
	gauge(of("share_since_end_seconds", "Time since a member was last seen to end or to be buried; 0 if none was."), func(s *shared) float64 { return s.SinceEnd.Seconds() }),
	gauge(of("share_questions", "Hosts that this member has asked the others about, and that some have not read yet."), func(s *shared) int { return s.Questions }),
	gauge(of("share_pending_hosts", "Hosts that have changed here, and are not in the table as they are."), func(s *shared) int { return s.Pending }),

	counter(of("share_burials_total", "Members that this one has buried, because they did not renew. Two members may count the same burial."), func(s *shared) uint64 { return s.Burials }),
	counter(of("share_buried_total", "Times that other members have buried this one."), func(s *shared) uint64 { return s.Buried }),
	counter(of("share_snapshots_total", "Snapshots of the table that were read."), func(s *shared) uint64 { return s.Snapshots }),
	counter(of("share_losses_total", "Snapshots after which the engine had lost writes, or may have lost some."), func(s *shared) uint64 { return s.Losses }),
	counter(of("share_malformed_total", "Records of the table that were skipped: too long, or of another protocol version."), func(s *shared) uint64 { return s.Malformed }),
	counter(of("share_codec_failures_total", "Failures of the Codec, and metadata that were too large."), func(s *shared) uint64 { return s.CodecFailures }),
	counter(of("share_writes_total", "Writes of hosts and departures, without renewals."), func(s *shared) uint64 { return s.Writes }),
	counter(of("share_conflicts_total", "Writes refused because another member had changed the record first."), func(s *shared) uint64 { return s.Conflicts }),
	counter(of("share_unclear_total", "Writes whose outcome is unknown."), func(s *shared) uint64 { return s.Unclear }),
	counter(of("share_feed_errors_total", "Times that the feed of the table ended with an error, and began again."), func(s *shared) uint64 { return s.FeedErrors }),
	gauge(of("share_left_behind", "Calls of the Store or of the shared cleanup that ignore their context."), func(s *shared) int { return s.LeftBehind }),

	gauge(of("share_cleanups_owed", "Shared cleanups that all members together owe."), func(s *shared) int { return s.Cleanup.Owed }),
	gauge(of("share_cleanup_oldest_seconds", "Time for which this member has known the oldest shared cleanup that is owed; 0 if there is none."), func(s *shared) float64 { return s.Cleanup.OldestOwed.Seconds() }),
	gauge(of("share_cleanups_running", "Shared cleanups under way here."), func(s *shared) int { return s.Cleanup.Running }),
	counter(sharedCleanups("done"), func(s *shared) uint64 { return s.Cleanup.Done }),
	counter(sharedCleanups("failed"), func(s *shared) uint64 { return s.Cleanup.Failed }),
	counter(of("share_cleanups_taken_over_total", "Shared cleanups that this member has taken over from members that have ended."), func(s *shared) uint64 { return s.Cleanup.TakenOver }),
}

func ready(s *shared) int {
	if s.Ready {
		return 1
	}
	return 0
}
