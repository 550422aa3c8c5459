//go:build linux

package main_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/internal/clitest"
	"github.com/hostlife/hostlife/internal/effort"
)

// startRedis starts an empty Redis, and returns its address.
func startRedis(t *testing.T) (addr string) {
	t.Helper()
	program := clitest.Needs(t, "redis-server", "redis-server")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr = ln.Addr().String()
	require.NoError(t, ln.Close())
	_, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	cmd := exec.Command(program, "--bind", "127.0.0.1", "--port", port, "--dir", t.TempDir(), "--save", "")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	eventually(t, "Redis answers", func() bool { return ask(addr, "PING") == "+PONG" })
	return addr
}

// ask sends a command to Redis, and returns the first line of the answer.
func ask(addr, command string) string {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = conn.Close() }()
	_, _ = conn.Write([]byte(command + "\r\n"))
	line, _ := bufio.NewReader(conn).ReadString('\n')
	return strings.TrimSpace(line)
}

// Three schedulers share their hosts by a Redis that is there. Each host departs once, and each
// scheduler sees it. Afterwards nothing is left in Redis.
func TestSeveralSchedulersShareTheirHosts(t *testing.T) {
	t.Parallel()
	want := map[string]struct{ evictions, departures int }{
		"normal_exit": {0, 1}, "abnormal_exit": {1, 1}, "mass_exit": {100, 100},
		"scheduler_killed": {0, 6}, "roaming": {1, 6}, // the other hosts leave at the end
	}
	for _, scenarios := range some("normal_exit,abnormal_exit,mass_exit,roaming", "scheduler_killed") {
		t.Run(scenarios, func(t *testing.T) {
			t.Parallel()
			addr := startRedis(t)
			require.Equal(t, "+OK", ask(addr, "SET mine 1"))
			v, code := play(t, "-schedulers", "3", "-redis", addr, "-interval", "800ms", "-mass", "100", "-mass-interval", "800ms",
				"-lag", "3s", "-scenarios", scenarios)
			require.Zero(t, code)
			require.True(t, v.OK)
			require.Len(t, v.Scenarios, strings.Count(scenarios, ",")+1)
			for _, s := range v.Scenarios {
				n := want[s.Name].departures
				require.Equal(t, want[s.Name].evictions, s.Evictions, s.Name)
				require.Zero(t, s.Wrong, s.Name)
				require.Equal(t, n, s.Shared-s.Again, s.Name)
				require.Equal(t, []int{n, n, n}, s.Seen, s.Name)
			}
			require.Equal(t, ":1", ask(addr, "DBSIZE"), "only the key that was there before")
		})
	}
}

// All scenarios, on each engine that the command can start.
func TestAllScenariosHoldWithSeveralSchedulers(t *testing.T) {
	if !effort.Long() {
		t.Skip("takes minutes: HOSTLIFE_LONG=1 runs it")
	}
	clitest.Needs(t, "redis-server", "redis-server")
	for _, args := range [][]string{{"-redis", "start"}, nil} {
		v, code := play(t, append(args, "-schedulers", "3", "-mass", "2000", "-lag", "2s", "-churn", "20s", "-churn-hosts", "40", "-scenarios", "all")...)
		require.Zero(t, code, "%v", args)
		require.Len(t, v.Scenarios, 12)
	}
}

// Each scheduler has a page of its own, and all show the same hosts. The page shows the members and
// the keeper of each host, also while a scheduler is stopped, and after that. If cluster is killed,
// it leaves no scheduler and no engine behind, even if they are stopped at that moment.
func TestSeveralSchedulersAreServed(t *testing.T) {
	t.Parallel()
	clitest.Needs(t, "redis-server", "redis-server")
	c := launch(t, binary, "-serve", "-schedulers", "2", "-redis", "start", "-interval", "1s", "-churn-hosts", "8")
	b := open(t, c.says(`page +scheduler-1 +(http://\S+)`))
	names := func(cells string) string {
		return `[...new Set([...document.querySelectorAll("` + cells + `")].map(x => x.textContent))].sort().join(", ")`
	}
	members, keepers := names("#members tbody th"), names("#hosts tbody tr[data-id^=peer-] td:nth-of-type(4)")
	b.sees("scheduler-1this one, scheduler-2", members)
	b.sees("scheduler-1, scheduler-2", keepers)
	b.search("peer-")
	b.sees("5", rows)
	url := c.says(`page +scheduler-2 +(http://\S+)`)
	eventually(t, "the other one shows the hosts and both members", func() bool {
		metrics := get(url + "metrics")
		return strings.Contains(metrics, `hostlife_share_members{registry="hosts"} 2`) && strings.Contains(get(url+"api/hosts"), "peer-5")
	})

	require.NoError(t, syscall.Kill(c.pid("scheduler-2"), syscall.SIGSTOP))
	b.sees("scheduler-1this one", members)
	b.sees("scheduler-1", keepers)
	require.NoError(t, syscall.Kill(c.pid("scheduler-2"), syscall.SIGCONT))
	b.sees("scheduler-1this one, scheduler-2", members)
	b.sees("5", rows)

	pids := children(c.cmd.Process.Pid)
	for _, host := range []string{"engine", "scheduler-1", "scheduler-2"} {
		require.Contains(t, pids, strconv.Itoa(c.pid(host)))
		require.NoError(t, syscall.Kill(c.pid(host), syscall.SIGSTOP))
	}
	c.signal(syscall.SIGKILL)
	eventually(t, "all are gone", func() bool { return len(running(pids)) == 0 })
}

// running returns the processes that exist and are no zombies, whatever their program is.
func running(pids []string) (some []string) {
	for _, pid := range pids {
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		if err == nil && !strings.Contains(string(stat), ") Z ") {
			some = append(some, pid)
		}
	}
	return some
}

// get returns the body of a page, or the error.
func get(url string) string {
	r, err := http.Get(url)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = r.Body.Close() }()
	body, _ := io.ReadAll(r.Body)
	return string(body)
}
