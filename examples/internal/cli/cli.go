// Package cli is shared by the commands: flags with help, logs, signals and exit codes.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"unicode/utf8"
)

// A Command runs until it is done or ctx ends.
type Command func(ctx context.Context, args []string, stdout, stderr io.Writer) error

// ErrUsage is wrapped by every error about the command line.
var ErrUsage = errors.New("see -help")

// ErrInterrupted is wrapped by the error of a command that a signal has kept from its work.
var ErrInterrupted = errors.New("ended by a signal")

// Main runs the command until SIGINT or SIGTERM, and exits: 0 after success or for help, 2 after a
// mistake on the command line, 130 after ErrInterrupted, 1 after any other error. A second signal
// kills.
func Main(run Command) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(code(run(ctx, os.Args[1:], os.Stdout, os.Stderr), os.Stderr))
}

func code(err error, stderr io.Writer) int {
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return 0
	}
	say(stderr, fmt.Sprintf("%s: %v", filepath.Base(os.Args[0]), err))
	switch {
	case errors.Is(err, ErrUsage):
		return 2
	case errors.Is(err, ErrInterrupted):
		return 130 // as a shell says of a command that SIGINT ended
	default:
		return 1
	}
}

// EndWithStdin ends this process with exit code 3 when stdin ends. A child process calls it: its
// stdin is a pipe, which ends with its parent.
func EndWithStdin() {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(3)
	}()
}

// Parse parses args. If they ask for help it prints about and the flags on stdout, and returns
// flag.ErrHelp.
func Parse(fs *flag.FlagSet, about string, args []string, stdout io.Writer) error {
	err := parse(fs, args)
	if errors.Is(err, flag.ErrHelp) {
		explain(fs, about, stdout)
	}
	return err
}

// ParseLong is Parse for a command whose flags fill more than a screen: -help prints brief, and
// -help-all prints about and the flags.
func ParseLong(fs *flag.FlagSet, brief, about string, args []string, stdout io.Writer) error {
	long := fs.Bool("help-all", false, "print this, the long help")
	err := parse(fs, args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, _ = fmt.Fprintln(stdout, brief)
	case err == nil && *long:
		explain(fs, about, stdout)
		return flag.ErrHelp
	}
	return err
}

func parse(fs *flag.FlagSet, args []string) error {
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	err := fs.Parse(args)
	switch {
	case err != nil && !errors.Is(err, flag.ErrHelp):
		return Usagef("%v", err)
	case err == nil && fs.NArg() > 0:
		return Usagef("unexpected argument %q", fs.Arg(0))
	}
	return err
}

func explain(fs *flag.FlagSet, about string, stdout io.Writer) {
	_, _ = fmt.Fprintf(stdout, "%s\n\nFlags:\n", about)
	fs.SetOutput(stdout)
	fs.PrintDefaults()
}

// Usagef returns an error about the command line.
func Usagef(format string, args ...any) error {
	return fmt.Errorf("%s (%w)", fmt.Sprintf(format, args...), ErrUsage)
}

// Printable escapes control characters except tabs and the ends of lines: part of an error may come
// from the network, and a terminal would interpret them.
func Printable(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == '\n' || r == '\t' || strconv.IsPrint(r) && (r != utf8.RuneError || n > 1) {
			b.WriteString(s[:n])
		} else {
			quoted := strconv.Quote(s[:n])
			b.WriteString(quoted[1 : len(quoted)-1])
		}
		s = s[n:]
	}
	return b.String()
}
