//go:build linux

package main_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var started = regexp.MustCompile(`started .* pid (\d+)`)

// However it ends, and whoever is stopped by SIGSTOP at that moment, cluster
// leaves no process behind.
func TestNoProcessIsLeftBehind(t *testing.T) {
	moments := map[string]string{ // what the timeline says
		"at the start":                  "started peer-1",
		"while a peer is stopped":       "SIGSTOP peer-3",
		"while the scheduler is frozen": "SIGSTOP scheduler",
		"while very many are there":     "SIGKILL mass",
	}
	for when, sign := range moments {
		for _, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGINT} {
			t.Run(fmt.Sprintf("%v %s", sig, when), func(t *testing.T) {
				t.Parallel()
				cmd, pids, rest := until(t, sign)
				require.NoError(t, cmd.Process.Signal(sig))
				said := <-rest
				err := cmd.Wait()
				require.Error(t, err)
				if sig != syscall.SIGKILL {
					requireInterrupted(t, said)
					require.Equal(t, 1, cmd.ProcessState.ExitCode())
					require.Empty(t, alive(pids), "it waits for them")
				}
				require.Eventually(t, func() bool { return len(alive(pids)) == 0 }, 10*time.Second, 5*time.Millisecond)
			})
		}
	}
}

// until runs the command until a line of its timeline shows the sign. It returns
// the processes that were started by then, and what comes after, when all has come.
func until(t *testing.T, sign string) (cmd *exec.Cmd, pids []string, rest <-chan []string) {
	t.Helper()
	cmd = exec.Command(binary, "-interval", "300ms", "-mass", "100", "-lag", "5s")
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	s := bufio.NewScanner(stdout)
	for s.Scan() {
		if m := started.FindStringSubmatch(s.Text()); m != nil {
			pids = append(pids, m[1])
		}
		if strings.Contains(strings.Join(strings.Fields(s.Text()), " "), sign) {
			lines := make(chan []string, 1)
			go func() {
				var all []string
				for s.Scan() {
					all = append(all, s.Text())
				}
				lines <- all
			}()
			require.NotEmpty(t, alive(pids))
			return cmd, pids, lines
		}
	}
	t.Fatalf("no %q before the end", sign)
	return nil, nil, nil
}

// requireInterrupted says that the timeline told once that it was interrupted,
// and no story of its own from then on.
func requireInterrupted(t *testing.T, said []string) {
	t.Helper()
	all := strings.Join(said, "\n")
	require.Equal(t, 1, strings.Count(all, "interrupted"), all)
	require.NotContains(t, all, " 0 hosts there")
	_, after, _ := strings.Cut(all, "interrupted")
	_, after, _ = strings.Cut(after, "\n")
	timeline, _, _ := strings.Cut(after, "\n\n") // then comes the table
	require.NotContains(t, timeline, "\n")
	require.Contains(t, timeline, "done")
}

// alive returns those that run, or are stopped. A zombie is neither: in a
// container there may be nobody to reap it.
func alive(pids []string) (running []string) {
	for _, pid := range pids {
		exe, err := os.Readlink("/proc/" + pid + "/exe") // of a zombie: an error
		stat, _ := os.ReadFile("/proc/" + pid + "/stat")
		if err == nil && exe == binary && !bytes.Contains(stat, []byte(") Z ")) {
			running = append(running, pid)
		}
	}
	return running
}
