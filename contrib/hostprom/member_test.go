package hostprom_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/contrib/hostprom"
	"github.com/hostlife/hostlife/hostmgr/share"
)

// Each field of share.Stats reaches its own metric: all values differ.
func TestEachFieldOfAMember(t *testing.T) {
	s := share.Stats{
		ID: "an id is no label", Ready: true, Members: make([]share.Peer, 3), Kept: 10, Mirrored: 20, Orphaned: 5,
		Skipped: 6, Stale: 7500 * time.Millisecond, Lag: 8 * time.Millisecond, Questions: 9, Slowest: "this neither",
		Quiet: 11 * second, SinceEnd: 12 * second, Pending: 13, Malformed: 14, CodecFailures: 16, Snapshots: 17,
		Losses: 18, Buried: 19, Burials: 21, Writes: 22, Conflicts: 23, Unclear: 24, FeedErrors: 25, LeftBehind: 26,
		Cleanup: share.CleanupStats{Owed: 27, OldestOwed: 28 * second, Running: 29, Done: 30, Failed: 31, TakenOver: 32},
	}
	c := &hostprom.Collector{Members: map[string]func() share.Stats{"hosts": func() share.Stats { return s }}}
	require.Equal(t, map[string]float64{
		`share_ready{registry="hosts"}`:                                   1,
		`share_members{registry="hosts"}`:                                 3,
		`share_hosts{keeper="this",registry="hosts"}`:                     10,
		`share_hosts{keeper="another",registry="hosts"}`:                  15,
		`share_hosts{keeper="none",registry="hosts"}`:                     5,
		`share_skipped_hosts{registry="hosts"}`:                           6,
		`share_stale_seconds{registry="hosts"}`:                           7.5,
		`share_lag_seconds{registry="hosts"}`:                             0.008,
		`share_questions{registry="hosts"}`:                               9,
		`share_quiet_seconds{registry="hosts"}`:                           11,
		`share_since_end_seconds{registry="hosts"}`:                       12,
		`share_pending_hosts{registry="hosts"}`:                           13,
		`share_malformed_total{registry="hosts"}`:                         14,
		`share_codec_failures_total{registry="hosts"}`:                    16,
		`share_snapshots_total{registry="hosts"}`:                         17,
		`share_losses_total{registry="hosts"}`:                            18,
		`share_buried_total{registry="hosts"}`:                            19,
		`share_burials_total{registry="hosts"}`:                           21,
		`share_writes_total{registry="hosts"}`:                            22,
		`share_conflicts_total{registry="hosts"}`:                         23,
		`share_unclear_total{registry="hosts"}`:                           24,
		`share_feed_errors_total{registry="hosts"}`:                       25,
		`share_left_behind{registry="hosts"}`:                             26,
		`share_cleanups_owed{registry="hosts"}`:                           27,
		`share_cleanup_oldest_seconds{registry="hosts"}`:                  28,
		`share_cleanups_running{registry="hosts"}`:                        29,
		`share_cleanup_attempts_total{outcome="done",registry="hosts"}`:   30,
		`share_cleanup_attempts_total{outcome="failed",registry="hosts"}`: 31,
		`share_cleanups_taken_over_total{registry="hosts"}`:               32,
	}, values(gather(t, c)))
	s = share.Stats{}
	require.Zero(t, values(gather(t, c))[`share_ready{registry="hosts"}`])
}
