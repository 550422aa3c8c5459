//go:build unix

package main_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// binary is the command, built without the race detector: what is tested here
// is processes.
var binary string

// atEnd is called when all tests have ended.
var atEnd []func()

func TestMain(m *testing.M) {
	_ = flag.Set("test.parallel", "6") // these tests wait more than they work
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "hostlife-cluster")
		if err != nil {
			panic(err)
		}
		defer func() { _ = os.RemoveAll(dir) }()
		binary = filepath.Join(dir, "cluster")
		if out, err := exec.Command("go", "build", "-ldflags=-s -w", "-o", binary, "../internal/cluster/command/cluster").CombinedOutput(); err != nil {
			panic(fmt.Sprintf("%v\n%s", err, out))
		}
		defer func() {
			for _, f := range atEnd {
				f()
			}
		}()
		return m.Run()
	}())
}

type verdicts struct {
	OK        bool
	Scenarios []struct {
		Name     string
		OK       bool
		Detail   string
		DetectMS float64 `json:"detect_ms"`
		LagMS    float64 `json:"lag_ms"`

		// With several schedulers.
		Evictions int
		Wrong     int   `json:"wrong_evictions"`
		Seen      []int `json:"departures_seen"`
		Shared    int   `json:"shared_cleanups"`
		Again     int   `json:"shared_cleanups_again"`
	}
}

// play runs the whole command and returns the object in its last line, and its
// exit code.
func play(t *testing.T, args ...string) (v verdicts, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, append(args, "-json")...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	_ = cmd.Run()
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i := len(lines) - 1; i > 0 && !strings.HasPrefix(lines[i], "{"); i-- {
		lines = lines[:i] // what went to stderr
	}
	require.NoError(t, json.Unmarshal([]byte(lines[len(lines)-1]), &v), "%s", &out)
	if t.Failed() || !v.OK {
		t.Logf("%s", &out)
	}
	return v, cmd.ProcessState.ExitCode()
}

func (v verdicts) failed() (names []string) {
	for _, s := range v.Scenarios {
		if !s.OK {
			names = append(names, s.Name)
		}
	}
	return names
}

func TestAllScenariosHold(t *testing.T) {
	t.Parallel()
	for _, policy := range some("fixed", "tiered") {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			v, code := play(t, "-policy", policy, "-interval", "800ms", "-mass", "500", "-mass-interval", "2s",
				"-jitter", "800ms", "-offline", "2s", "-lag", "3s")
			require.Zero(t, code)
			require.True(t, v.OK)
			var names []string
			for _, s := range v.Scenarios {
				names = append(names, s.Name)
				if s.Name != "jitter" {
					require.Positive(t, s.DetectMS, s.Name)
					require.Positive(t, s.LagMS, s.Name)
				}
			}
			require.Equal(t, []string{"normal_exit", "abnormal_exit", "jitter", "scheduler_frozen", "mass_exit"}, names)
		})
	}
}

// A scheduler that never evicts, one that evicts too early, and one that lets
// too few in: the verdicts say so.
func TestVerdictsCanFail(t *testing.T) {
	t.Parallel()
	for flags, want := range map[string][]string{
		"-multiple 1000": some("scheduler_frozen", "abnormal_exit", "mass_exit"),
		"-multiple 1.3":  some("jitter", "abnormal_exit", "mass_exit"),
		"-max-hosts 50":  {"mass_exit"},
	} {
		for _, scenario := range want {
			t.Run(flags+" "+scenario, func(t *testing.T) {
				t.Parallel()
				v, code := play(t, "-scheduler-flags", flags, "-interval", "500ms", "-mass", "100",
					"-mass-interval", "500ms", "-lag", "400ms", "-scenarios", scenario)
				require.Equal(t, 1, code)
				require.False(t, v.OK)
				require.Equal(t, []string{scenario}, v.failed())
			})
		}
	}
}

func TestCommandLine(t *testing.T) {
	out, err := exec.Command(binary, "-help").Output()
	require.NoError(t, err)
	require.Contains(t, string(out), "go run ./examples/cluster")
	require.Contains(t, string(out), "-peers")
	require.Contains(t, string(out), "starts cluster as a separate process")
	for _, args := range [][]string{
		{"-peers", "3"}, {"-interval", "1ms"}, {"-policy", "x"}, {"-mass", "0"}, {"-lag", "0"},
		{"-policy", "tiered", "-offline", "1ms"}, {"-interval", "2m"}, {"-mass-interval", "3m"}, {"extra"}, {"-nonsense"}, {"-scenarios", "x"}, {"-churn-hosts", "-1"}, {"-churn", "0"}, {"-serve", "-json"},
		{"-schedulers", "1"}, {"-schedulers", "10"}, {"-redis", "start"}, {"-scenarios", "roaming"},
		{"-schedulers", "3", "-redis", "127.0.0.1:1", "-scenarios", "engine_down"},
	} {
		var exit *exec.ExitError
		require.ErrorAs(t, exec.Command(binary, args...).Run(), &exit, "%v", args)
		require.Equal(t, 2, exit.ExitCode(), "%v", args)
	}
}

// A scheduler that can't start is the verdict on everything.
func TestSchedulerThatCannotStart(t *testing.T) {
	v, code := play(t, "-scheduler-flags", "-nonsense")
	require.Equal(t, 1, code)
	require.Len(t, v.failed(), 5)
	require.Contains(t, v.Scenarios[0].Detail, "the scheduler exited")
}

// The roles can be run by themselves. They end with their stdin, and on SIGTERM.
func TestRoles(t *testing.T) {
	for name, end := range map[string]struct {
		do   func(cmd *exec.Cmd, stdin io.Closer)
		code int
	}{
		"stdin ends": {func(_ *exec.Cmd, stdin io.Closer) { _ = stdin.Close() }, 3},
		"SIGTERM":    {func(cmd *exec.Cmd, _ io.Closer) { _ = cmd.Process.Signal(syscall.SIGTERM) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(binary, "scheduler", "-listen", "127.0.0.1:0")
			stdin, err := cmd.StdinPipe()
			require.NoError(t, err)
			stdout, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			kill := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
			defer kill.Stop()
			first, err := bufio.NewReader(stdout).ReadString('\n')
			require.NoError(t, err)
			require.True(t, strings.HasPrefix(first, "listening on 127.0.0.1:"), first)
			end.do(cmd, stdin)
			_ = cmd.Wait()
			require.Equal(t, end.code, cmd.ProcessState.ExitCode())
		})
	}
}
