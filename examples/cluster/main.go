// Command cluster runs a scheduler and its peers as real processes and does to them what happens to
// clusters. See -help.
//
// It needs little to compile, so that it soon says what takes long the first time: it compiles the
// command proper, which plays all the roles, and becomes it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
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
	program, err := sources.Build(context.Background(), root, "examples", proper, os.Stderr)
	if err != nil {
		return err
	}
	return syscall.Exec(program, append([]string{program}, args...), os.Environ())
}
