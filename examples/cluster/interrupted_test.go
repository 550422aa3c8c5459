//go:build linux

package main_test

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// A signal ends a run. The scenarios that were played keep their verdicts, and the others have none.
func TestWhatASignalEndsIsNotPlayed(t *testing.T) {
	t.Parallel()
	for _, sig := range some(syscall.SIGINT, syscall.SIGTERM) {
		cmd, _, rest := until(t, "normal_exit,abnormal_exit,jitter", "SIGKILL peer-2")
		require.NoError(t, cmd.Process.Signal(sig))
		said := <-rest
		require.Error(t, cmd.Wait())
		require.Equal(t, 130, cmd.ProcessState.ExitCode())
		rows := map[string]string{}
		for _, line := range said {
			if name, row, _ := strings.Cut(strings.Join(strings.Fields(line), " "), " "); strings.HasSuffix(name, "_exit") || name == "jitter" {
				rows[name] = row
			}
		}
		require.True(t, strings.HasPrefix(rows["normal_exit"], "ok "), rows)
		require.Equal(t, "not played - - cut short: ended by a signal", rows["abnormal_exit"])
		require.Equal(t, "not played - - ended by a signal", rows["jitter"])
	}
}

// The first line says what is compiled, before it is compiled. Without Go nothing is, and each row
// says why.
func TestTheFirstLineComesBeforeTheCompiler(t *testing.T) {
	cmd := exec.Command(binary, "-schedulers", "3", "-scenarios", "normal_exit,roaming")
	cmd.Env = []string{"PATH=/nowhere", "TMPDIR=" + t.TempDir()}
	out, err := cmd.Output()
	require.Error(t, err)
	require.Equal(t, 1, cmd.ProcessState.ExitCode())
	first, rest, _ := strings.Cut(string(out), "\n")
	require.Contains(t, first, "First it compiles the scheduler and the etcd server")
	require.NotContains(t, rest, "go build ")
	require.Equal(t, 1+2, strings.Count(rest, `-schedulers builds its programs: exec: "go": executable file not found`), rest)
}
