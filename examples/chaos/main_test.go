//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/internal/chaos"
	"github.com/hostlife/hostlife/examples/internal/cli"
	"github.com/hostlife/hostlife/examples/internal/clitest"
	"github.com/hostlife/hostlife/examples/internal/stores"
	"github.com/hostlife/hostlife/internal/effort"
)

// TestMain lets chaos start this program as schedulers and as hosts.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == "scheduler" || os.Args[1] == "peer") {
		main()
		return
	}
	os.Exit(m.Run())
}

type figures struct {
	OK        bool
	Scenarios []struct {
		Contacts, Evictions, Wrong, Rounds int
	}
}

// play runs the command, and returns the object in its last line.
func play(t *testing.T, args ...string) (f figures, err error) {
	t.Helper()
	var out bytes.Buffer
	args = append(args, "-json", "-keep", t.TempDir())
	err = chaos.Command(stores.Engines{})(t.Context(), args, &out, io.Discard)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	t.Logf("%s", strings.Join(lines[:len(lines)-1], "\n"))
	require.NoError(t, json.Unmarshal([]byte(lines[len(lines)-1]), &f), "%v", err)
	return f, err
}

// few is a small cluster, with time for a machine that does other things as well.
var few = []string{"-peers", "60", "-interval", "500ms", "-lapse", "4s", "-slack", "5s"}

// A slice of what the long run plays. The scenarios are played one after another, because each has
// some 30 processes: together they would be late on a machine that does other things as well.
func TestNoPromiseIsBroken(t *testing.T) {
	clitest.Needs(t, "redis-server", "redis-server")
	scenarios := []string{"scheduler_killed", "redis_failover", "link_cut"}
	if !effort.Full() {
		scenarios = scenarios[:1]
	}
	for _, scenario := range scenarios {
		t.Run(scenario, func(t *testing.T) {
			f, err := play(t, append(few, "-scenarios", scenario)...)
			require.NoError(t, err)
			require.True(t, f.OK)
			require.Greater(t, f.Scenarios[0].Contacts, 500)
			require.NotZero(t, f.Scenarios[0].Evictions)
		})
	}
}

// The verdict is a breach if the schedulers share nothing.
func TestSchedulersThatShareNothingBreakPromises(t *testing.T) {
	if !effort.Full() {
		t.Skip("it plays a round in which all must go wrong; to run it: CI=true")
	}
	clitest.Needs(t, "redis-server", "redis-server")
	f, err := play(t, append(few, "-scenarios", "none", "-alone")...)
	require.ErrorContains(t, err, "a promise was broken")
	require.False(t, f.OK)
	require.Greater(t, f.Scenarios[0].Wrong, 10)
}

func TestAllScenarios(t *testing.T) {
	if !effort.Long() {
		t.Skip("it plays all scenarios; to run it: HOSTLIFE_LONG=1")
	}
	clitest.Needs(t, "redis-server", "redis-server")
	clitest.Needs(t, "etcd", "etcd-server")
	f, err := play(t, "-rounds", "2", "-parallel", "2")
	require.NoError(t, err)
	require.True(t, f.OK)
}

func TestMistakesOnTheCommandLine(t *testing.T) {
	for _, args := range []string{
		"-rounds 0", "-parallel 0", "-peers 3", "-schedulers 1", "-interval 1ms", "-lapse 1s", "-slack -1s", "-scenarios nonsense", "-check /no/such/folder extra",
	} {
		err := chaos.Command(nil)(t.Context(), strings.Fields(args), io.Discard, io.Discard)
		require.ErrorIs(t, err, cli.ErrUsage, args)
	}
	var out bytes.Buffer
	require.Error(t, chaos.Command(nil)(t.Context(), []string{"-help"}, &out, io.Discard))
	require.Contains(t, out.String(), "scheduler_killed")
	require.ErrorContains(t, chaos.Command(nil)(t.Context(), []string{"-check", t.TempDir()}, &out, io.Discard), "no histories")
}
