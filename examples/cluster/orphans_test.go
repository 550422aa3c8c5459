//go:build linux

package main_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// However cluster ends, and whichever process is stopped by SIGSTOP at that moment, it leaves no
// process behind. No other cluster runs meanwhile: a host that is left for a moment may find another
// scheduler at the port of its own one.
func TestNoProcessIsLeftBehind(t *testing.T) {
	const usual = "normal_exit,abnormal_exit,jitter,scheduler_frozen,mass_exit"
	moments := map[string]struct{ scenarios, sign string }{ // what the timeline says
		"at the start":                  {usual, "started peer-1"},
		"while a peer is stopped":       {usual, "SIGSTOP peer-3"},
		"while the scheduler is frozen": {usual, "SIGSTOP scheduler"},
		"while very many are there":     {usual, "SIGKILL mass"},
		"while the network is lost":     {"partition", "black hole far-"},
		"while hosts come and go":       {"churn", "joined,"},
	}
	for when, m := range moments {
		for _, sig := range some(syscall.SIGKILL, syscall.SIGINT) {
			t.Run(fmt.Sprintf("%v %s", sig, when), func(t *testing.T) {
				t.Parallel()
				cmd, pids, rest := until(t, m.scenarios, m.sign)
				require.NoError(t, cmd.Process.Signal(sig))
				said := <-rest
				err := cmd.Wait()
				require.Error(t, err)
				if sig != syscall.SIGKILL {
					requireInterrupted(t, said)
					require.Equal(t, 130, cmd.ProcessState.ExitCode())
					require.Empty(t, alive(pids), "it waits for them")
				}
				require.Eventually(t, func() bool { return len(alive(pids)) == 0 }, 10*time.Second, 5*time.Millisecond)
			})
		}
	}
}

// until runs scenarios until a line of the timeline shows the sign. It returns the
// processes that are there then, and what comes after, when all has come.
func until(t *testing.T, scenarios, sign string) (cmd *exec.Cmd, pids []string, rest <-chan []string) {
	t.Helper()
	cmd = exec.Command(binary, "-interval", "800ms", "-mass", "100", "-lag", "5s", "-churn-hosts", "20", "-scenarios", scenarios)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	s := bufio.NewScanner(stdout)
	for s.Scan() {
		if strings.Contains(strings.Join(strings.Fields(s.Text()), " "), sign) {
			lines := make(chan []string, 1)
			go func() {
				var all []string
				for s.Scan() {
					all = append(all, s.Text())
				}
				lines <- all
			}()
			pids = children(cmd.Process.Pid)
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
	require.NotContains(t, all, " 0 hosts registered")
	_, after, _ := strings.Cut(all, "interrupted")
	_, after, _ = strings.Cut(after, "\n")
	timeline, _, _ := strings.Cut(after, "\n\n") // then comes the table
	require.NotContains(t, timeline, "\n")
	require.Contains(t, timeline, "done")
}

func children(parent int) (pids []string) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		stat, _ := os.ReadFile(path)
		_, after, _ := strings.Cut(string(stat), ") ") // the name may be anything
		if f := strings.Fields(after); len(f) > 1 && f[1] == strconv.Itoa(parent) {
			pids = append(pids, filepath.Base(filepath.Dir(path)))
		}
	}
	return pids
}

// alive returns the processes that run or are stopped. A zombie is neither: in a container there may be
// no process to reap it.
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
