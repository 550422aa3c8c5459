package schedulerd_test

import (
	"bytes"
	"flag"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	commonv2 "d7y.io/api/v2/pkg/apis/common/v2"
	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/internal/cli"
	"github.com/hostlife/hostlife/examples/internal/schedulerd"
	"github.com/hostlife/hostlife/hostmgr"
)

func TestPolicyFlags(t *testing.T) {
	for _, x := range []struct {
		flags          string
		policy, shadow hostmgr.Policy
	}{
		{"", hostmgr.Fixed(2), nil},
		{"-multiple 3 -shadow tiered", hostmgr.Fixed(3), hostmgr.Tiered{Jitter: 30 * time.Second, Offline: 5 * time.Minute}},
		{"-policy tiered -shadow fixed -jitter 2s -offline 3s", hostmgr.Tiered{Jitter: 2 * time.Second, Offline: 3 * time.Second}, hostmgr.Fixed(2)},
		{"-policy phi -shadow phi", hostmgr.PhiAccrual{Threshold: 8, MaxOverdue: 5 * time.Minute}, hostmgr.PhiAccrual{Threshold: 8, MaxOverdue: 5 * time.Minute}},
		{"-shadow phi -phi 0.5 -offline 1s", hostmgr.Fixed(2), hostmgr.PhiAccrual{Threshold: 0.5, MaxOverdue: time.Second}},
		{"-shadow phi -phi 1000000 -offline 1ms", hostmgr.Fixed(2), hostmgr.PhiAccrual{Threshold: 1e6, MaxOverdue: time.Millisecond}},
	} {
		policy, shadow, err := schedulerd.Policies(strings.Fields(x.flags)...)
		require.NoError(t, err, x.flags)
		require.Equal(t, x.policy, policy, x.flags)
		require.Equal(t, x.shadow, shadow, x.flags)
		_, err = hostmgr.New(hostmgr.Config[*commonv2.Host]{Policy: policy, Shadow: shadow})
		require.NoError(t, err, "what the flags may say the registry takes")
	}
}

// The flags of a policy that is not named do not matter; those of the shadow do.
func TestPoliciesThatCannotBeMeant(t *testing.T) {
	for flags, want := range map[string]string{
		"-shadow lenient":                          `-shadow "lenient" is not one of fixed, tiered and phi`,
		"-policy phi -shadow none":                 `-shadow "none" is not one of fixed, tiered and phi`,
		"-policy= -shadow phi":                     `-policy "" is not one of fixed, tiered and phi`,
		"-policy tiered -shadow fixed -multiple 0": "-multiple 0 is not",
		"-multiple 1":                              "-multiple 1 is not a finite number of at least 1.1",
		"-policy tiered -jitter 1ns -offline 1ns":  "-offline 1ns from that, at least 1ms",
		"-shadow tiered -jitter 0":                 "-jitter 0s must be above 0",
		"-policy phi -phi 0.4":                     "-phi 0.4 is not from 0.5 to 1e+06",
		"-shadow phi -phi 1e7":                     "-phi 1e+07 is not",
		"-shadow phi -phi NaN":                     "-phi NaN is not",
		"-shadow phi -offline 0":                   "-offline 0s is not from 1ms",
		"-policy phi -offline 9000h":               "-offline 9000h0m0s is not from 1ms to 8760h0m0s",
	} {
		_, _, err := schedulerd.Policies(strings.Fields(flags)...)
		require.ErrorIs(t, err, cli.ErrUsage, flags)
		require.ErrorContains(t, err, want)
	}
	_, _, err := schedulerd.Policies("-phi", "0", "-jitter", "0", "-offline", "0")
	require.NoError(t, err)
	var out bytes.Buffer
	require.ErrorIs(t, schedulerd.Main(t.Context(), []string{"-help"}, &out, io.Discard), flag.ErrHelp)
	require.Contains(t, out.String(), "-shadow policy")
	require.Contains(t, out.String(), "-phi float")
}

// What a shadow would have done with a host that pauses, and is not evicted, is on the page and in
// the metrics.
func TestAShadowIsShown(t *testing.T) {
	t.Parallel()
	s := start(t, "-http", "127.0.0.1:0", "-policy", "tiered", "-shadow", "fixed", "-multiple", "1.1", "-stall-threshold", "-1ns")
	url := s.page()
	require.Eventually(t, func() bool {
		s.mustAnnounce(t.Context(), "h", 10*time.Millisecond)
		_, body := ask(t, http.MethodGet, url)
		return strings.Contains(body, `<section id="shadow" class="panel" aria-labelledby="h-shadow">`)
	}, longWait, 30*time.Millisecond)
	_, body := ask(t, http.MethodGet, url+"metrics")
	require.Regexp(t, `hostlife_shadow_rejoined_total\{registry="hosts"\} [1-9]`, body)
}
