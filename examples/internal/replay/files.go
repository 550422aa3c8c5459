package replay

import (
	"context"
	"io"
	"os"
	"time"
)

// open opens a file to read, or to write it if it may be made, and does not wait longer than ctx: a named
// pipe has its other end waited for. When ctx ends, waiting for what is read or written ends, too.
func open(ctx context.Context, name string, flag int) (*os.File, error) {
	type opened struct {
		f   *os.File
		err error
	}
	done := make(chan opened, 1) // has room, so that the goroutine ends if the other end comes after ctx's
	go func() {
		f, err := os.OpenFile(name, flag, 0o666)
		done <- opened{f, err}
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case o := <-done:
		if o.err == nil {
			// Files that are no pipes know of no deadline.
			context.AfterFunc(ctx, func() { _ = o.f.SetDeadline(time.Now()) })
		}
		return o.f, o.err
	}
}

// write makes a file.
func write(ctx context.Context, name string, content func(io.Writer) error) error {
	f, err := open(ctx, name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	if err = content(until{ctx, f}); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

// until is a writer that fails when ctx has ended.
type until struct {
	ctx context.Context
	io.Writer
}

func (u until) Write(b []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.Writer.Write(b)
}
