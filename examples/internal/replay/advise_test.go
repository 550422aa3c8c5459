package replay_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// recommended is what the JSON says of a recommendation.
type recommended struct {
	Name     string
	Frontier []string
	Instead  string   `json:"instead_of"`
	Fewer    int      `json:"fewer_needless_evictions"`
	More     float64  `json:"more_stale_host_hours"`
	LeftOut  []string `json:"left_out"`
}

func recommend(t *testing.T, args ...string) (r *recommended, stdout string) {
	t.Helper()
	stdout, _ = run(t, append(args, "-recommend", "-json")...)
	var got struct{ Recommended *recommended }
	require.NoError(t, json.Unmarshal([]byte(lastLine(stdout)), &got))
	return got.Recommended, stdout
}

// restarts is a trace in which each host restarts within four minutes, again and again, and one is
// gone for a day.
func restarts(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "restarts.csv")
	rows := "node,down,up\n"
	for _, host := range []string{"a", "b", "c"} {
		for _, hour := range []string{"01", "02", "03", "04", "05", "06", "07", "08", "09", "10"} {
			rows += host + ",2026-01-01 " + hour + ":00:10,2026-01-01 " + hour + ":03:40\n"
		}
	}
	require.NoError(t, os.WriteFile(file, []byte(rows+"d,2026-01-01 00:00:00.5,2026-01-01 12:00:00.5\n"), 0o600))
	return file
}

// The price decides: a timeout longer than the restarts keeps metadata, and a short one frees it.
func TestRecommend(t *testing.T) {
	args := []string{"-trace", restarts(t), "-policies", "fixed:3,fixed:10", "-curves", "fixed:120"}
	r, out := recommend(t, args...)
	require.Equal(t, "fixed:10", r.Name, "the default price")
	require.Equal(t, "fixed:2", r.Instead)
	require.Equal(t, 30, r.Fewer)
	require.InDelta(t, 1.5, r.More, 0.15, "30 restarts of 210 s instead of some 45 s, and 5 minutes instead of one of a host that is gone")
	require.Equal(t, []string{"fixed:2"}, r.LeftOut)
	require.Contains(t, out, "recommended: fixed:10 instead of fixed:2, the default: 30 fewer needless evictions, 1.6 more stale host-hours\n")
	require.Contains(t, out, "costs as much as 30m of a host's stale metadata")
	require.Regexp(t, `(?m)^ +fixed:10 +31 .*  recommended$`, out)
	require.Regexp(t, `(?m)^ +fixed:2 +31 .*  the default$`, out)
	require.NotRegexp(t, `(?m)^ +fixed:120 `, out)

	r, _ = recommend(t, append(args, "-price", "1m")...)
	require.Equal(t, "fixed:3", r.Name)
	r, _ = recommend(t, append(args, "-price", "1m", "-loss", "0")...)
	require.Equal(t, "fixed:2", r.Name)
	require.Empty(t, r.LeftOut)
	require.ElementsMatch(t, []string{"fixed:2", "fixed:10"}, r.Frontier, "fixed:3 evicts as many hosts, later")
}

// A recommendation holds from one price to another, which are printed.
func TestPricesOfARecommendation(t *testing.T) {
	args := []string{"-nodes", "60", "-days", "10", "-policies", "fixed:2,fixed:3,tiered:30s/5m", "-curves", "tiered:30s/1h"}
	_, out := recommend(t, args...)
	require.Contains(t, out, "recommended: tiered:30s/5m instead of fixed:2")
	require.Regexp(t, `At any price from 3m\d+s to \d+h\d*m? the recommendation is the same.`, out)
	r, out := recommend(t, append(args, "-price", "3m")...)
	require.Equal(t, "fixed:3", r.Name)
	require.Regexp(t, `At any price up to 3m\d+s the`, out)
	r, out = recommend(t, append(args, "-price", "100h")...)
	require.Equal(t, "tiered:30s/1h", r.Name)
	require.Regexp(t, `At any price from \d+h\d*m? on the`, out)
	_, out = recommend(t, append(args, "-price", "0", "-loss", "0")...)
	require.Contains(t, out, "recommended: fixed:2, the default: no other policy that was considered costs less")
}

func TestNothingToRecommend(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.csv")
	require.NoError(t, os.WriteFile(file, []byte("a,,\nb,,\n"), 0o600))
	r, out := recommend(t, "-trace", file)
	require.Nil(t, r)
	require.Contains(t, out, "no recommendation: there is no outage in this trace")
	r, out = recommend(t, "-nodes", "3", "-policies", "fixed:1.5", "-curves", "fixed:1.9")
	require.Nil(t, r)
	require.Contains(t, out, "no recommendation: each policy evicts a host after one lost contact")
}
