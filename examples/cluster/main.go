// Command cluster runs a scheduler and its peers as real processes and does to them what happens to
// clusters. See -help.
//
// It needs little to compile, so that it soon says what takes long the first time: it compiles the
// command proper, which plays all the roles, and becomes it.
package main

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"

	"github.com/hostlife/hostlife/examples/internal/sources"
)

const proper = "internal/cluster/command/cluster" // in the folder of the examples

func main() {
	if err := become(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

// become compiles the command, and makes this process be it: with the same pid, for signals, and
// with its exit code. It returns only errors.
func become(args []string) error {
	if runtime.GOOS == "windows" {
		return errors.New("this needs POSIX signals, which Windows lacks; scheduler, peer and embed run here")
	}
	fmt.Fprintln(os.Stderr, "compiling the scheduler, the peers and the scenarios: a minute or two the first time, seconds later")
	root, err := sources.Find()
	if err != nil {
		return err
	}
	program, err := place(root)
	if err != nil {
		return err
	}
	build := exec.Command("go", "build", "-ldflags=-s -w", "-o", program, "./"+proper)
	build.Dir, build.Stdout, build.Stderr = filepath.Join(root, "examples"), os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("go build of %s: %w", proper, err)
	}
	return syscall.Exec(program, append([]string{program}, args...), os.Environ())
}

// place returns where the program goes. Go leaves it as it is while its sources do not change. Each
// copy of the repository has its own.
func place(root string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	h := fnv.New64a()
	_, _ = io.WriteString(h, root)
	dir := filepath.Join(cache, "hostlife", fmt.Sprintf("%x", h.Sum64()))
	return filepath.Join(dir, "cluster"), os.MkdirAll(dir, 0o700)
}
