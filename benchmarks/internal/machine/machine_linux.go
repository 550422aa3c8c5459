package machine

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// tick is the unit of /proc. The kernel shows all programs 100 a second.
const tick = 10 * time.Millisecond

// Of returns the processor time that a running process has taken, in steps of 10 ms.
func Of(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The name of the program comes second, in parentheses, and may have spaces.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat has %d fields", pid, len(fields))
	}
	return ticks(fields[11:13])
}

// Own returns the processor time that this process has taken.
func Own() (time.Duration, error) { return usage(syscall.RUSAGE_SELF) }

// Thread returns the processor time that the calling thread has taken. The caller has locked its
// goroutine to the thread.
func Thread() (time.Duration, error) {
	var t unix.Timespec
	err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t)
	return time.Duration(t.Nano()), err
}

// ownAndEnded adds that of children that have ended, and were waited for.
func ownAndEnded() (time.Duration, error) {
	own, err := Own()
	if err != nil {
		return 0, err
	}
	ended, err := usage(syscall.RUSAGE_CHILDREN)
	return own + ended, err
}

func usage(of int) (time.Duration, error) {
	var u syscall.Rusage
	err := syscall.Getrusage(of, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), err
}

// machineBusy is the time that all processors have spent on anything. It has the time that the
// hypervisor gave to other machines, because that was lost to ours, too.
func machineBusy() (time.Duration, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	f := strings.Fields(line)
	if len(f) < 9 || f[0] != "cpu" {
		return 0, fmt.Errorf("/proc/stat begins with %q", line)
	}
	// user, nice and system; then idle and iowait; then irq, softirq and steal
	return ticks(append(f[1:4:4], f[6:9]...))
}

func ticks(fields []string) (sum time.Duration, err error) {
	for _, f := range fields {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, err
		}
		sum += time.Duration(n) * tick
	}
	return sum, nil
}

func average() float64 {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(text), " ")
	v, _ := strconv.ParseFloat(first, 64)
	return v
}

// Memory returns the resident memory of a running process in bytes.
func Memory(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, err
	}
	var size, resident int64
	if _, err := fmt.Sscan(string(text), &size, &resident); err != nil {
		return 0, fmt.Errorf("statm %q: %w", text, err)
	}
	return resident * int64(os.Getpagesize()), nil
}
