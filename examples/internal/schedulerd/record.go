package schedulerd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

const recordUsage = "append the flight recorder's log to `FILE`: each join, departure, late contact,\n" +
	"stall and held eviction, with the evidence. Each scheduler needs a file of its own;\n" +
	"empty means none"

const (
	lastRecords = time.Second            // that a pipe is given for what is left when all stops
	noReader    = 100 * time.Millisecond // from try to try
)

// openRecord opens the file of the flight recorder's log for appending, if one is named.
func (c *Config) openRecord(ctx context.Context) (stop func() error, err error) {
	if c.record == "" {
		return func() error { return nil }, nil
	}
	f, err := openForWriting(ctx, c.record, os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("-record: %w", err)
	}
	c.recorder = f
	return func() error {
		if err := f.Close(); err != nil {
			return fmt.Errorf("-record: %w", err)
		}
		return nil
	}, nil
}

// openForWriting opens or creates a file. For a named pipe it waits for a reader, until ctx ends.
func openForWriting(ctx context.Context, name string, flag int, mode os.FileMode) (*os.File, error) {
	for {
		f, err := os.OpenFile(name, flag|os.O_CREATE|os.O_WRONLY|syscall.O_NONBLOCK, mode)
		if !errors.Is(err, syscall.ENXIO) {
			return f, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(noReader):
		}
	}
}

// hurry makes writes to a pipe without a reader fail soon, so that they do not delay the stop. Files have no
// deadlines.
func hurry(w io.Writer) {
	if f, ok := w.(*os.File); ok {
		_ = f.SetWriteDeadline(time.Now().Add(lastRecords))
	}
}
