package schedulerd

import (
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

const lastRecords = time.Second // that a pipe is given for what is left when all stops

// openRecord opens the file of the flight recorder's log for appending, if one is named.
func (c *Config) openRecord() (stop func() error, err error) {
	if c.record == "" {
		return func() error { return nil }, nil
	}
	f, err := openForWriting(c.record, os.O_APPEND, 0o600)
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

// openForWriting opens or creates a file. A named pipe may have no reader yet: then it is opened for
// reading too, because the scheduler must not wait for a reader. The pipe keeps some records for the
// reader; further ones are lost.
func openForWriting(name string, flag int, mode os.FileMode) (*os.File, error) {
	flag |= os.O_CREATE | syscall.O_NONBLOCK
	f, err := os.OpenFile(name, flag|os.O_WRONLY, mode)
	if errors.Is(err, syscall.ENXIO) {
		return os.OpenFile(name, flag|os.O_RDWR, mode)
	}
	return f, err
}

// hurry makes writes to a pipe that is not read fail soon, so that they do not delay the stop. Files have no
// deadlines.
func hurry(w io.Writer) {
	if f, ok := w.(*os.File); ok {
		_ = f.SetWriteDeadline(time.Now().Add(lastRecords))
	}
}
