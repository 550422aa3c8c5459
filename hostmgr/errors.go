package hostmgr

import (
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrInvalid is wrapped by each error about an argument or a Config that
	// is not valid: the text says which and why. Nothing was changed.
	ErrInvalid = errors.New("hostmgr: invalid")
	// ErrUnknownHost says that there is no such registration. A host that gets it as
	// the answer to a heartbeat announces itself again.
	ErrUnknownHost = errors.New("hostmgr: unknown host")
	// ErrStale says that the call came from an older incarnation than the
	// current one. Nothing was changed.
	ErrStale = errors.New("hostmgr: a newer incarnation is registered")
	// ErrFull says that Config.MaxHosts hosts are there already.
	ErrFull = errors.New("hostmgr: registry is full")
	// ErrCleanupPending says that the host is gone, but that its cleanup has
	// not succeeded yet. The cleanup goes on under Run, or at the next Sweep.
	ErrCleanupPending = errors.New("hostmgr: cleanup is pending")
	// ErrRunning says that another Run of this registry has not returned yet.
	ErrRunning = errors.New("hostmgr: already running")
)

const maxText = 8 << 10 // bytes of an error in a log line

// brief returns the text of an error for the log, cut to maxText. The error itself is not kept: log lines that
// wait may hold many of them, and it may be anything.
func brief(err error) (text string) {
	defer func() {
		if p := recover(); p != nil {
			text = fmt.Sprintf("%T, whose Error panicked", err)
		}
	}()
	text = err.Error()
	if len(text) > maxText {
		text = strings.Clone(text[:maxText]) + "..."
	}
	return text
}
