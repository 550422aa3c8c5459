package hostmgr

import (
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrInvalid is wrapped by each error about an argument or a Config that is not valid. The text
	// says what is wrong. Nothing was changed.
	ErrInvalid = errors.New("hostmgr: invalid")
	// ErrUnknownHost means that the host, or the incarnation, is not registered. A host that gets
	// it as the answer to a heartbeat announces itself again.
	ErrUnknownHost = errors.New("hostmgr: unknown host")
	// ErrStale means that the incarnation of the call is older than the current one, or has ended.
	// From While it means that another registration is the current one. Nothing was changed.
	// Announcement.Incarnation says for how long at most a host gets it.
	//
	// Announce and Heartbeat return it with an Ack that has the incarnation that refused: the
	// current one, or the greatest one that has ended. A process whose clock went back announces a
	// greater incarnation, and has the id. A process should do so only once: if it gets ErrStale
	// again later, a newer process has the id.
	ErrStale = errors.New("hostmgr: the incarnation is older than the current one, or has ended")
	// ErrConflict means that another speaker has the current registration of the id, and that the
	// host is Alive or Late: see Announcement.Speaker. Nothing was changed.
	ErrConflict = errors.New("hostmgr: another speaker has the current registration")
	// ErrFull means that Config.MaxHosts hosts are registered already, or that ForgetFor keeps
	// 32,768 hosts out. Nothing was changed.
	ErrFull = errors.New("hostmgr: registry is full")
	// ErrCleanupPending means that the host has departed, but its cleanup has not succeeded yet.
	// The cleanup is repeated under Run, or by the next Sweep or Drain, unless it was given up.
	// From Run and Drain it means that there are such hosts: Pending has them.
	ErrCleanupPending = errors.New("hostmgr: cleanup is pending")
	// ErrRunning means that another Run of this registry has not returned yet.
	ErrRunning = errors.New("hostmgr: already running")
)

const maxText = 8 << 10 // bytes of an error in a log line

// brief returns the text of an error for the log, cut to maxText. The error itself is not kept:
// many log lines may wait, and an error may refer to anything.
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

// A heardError is an error of a callback with the text that it had when the callback returned it.
type heardError struct {
	error
	text string
}

func (e *heardError) Error() string { return e.text }
func (e *heardError) Unwrap() error { return e.error }

// hear asks an error of a callback for its text, and returns an error that has that. Error is the
// embedder's code, and may hang too. So hear is called within the call of the callback, which has a
// time limit and can be left behind. Afterwards nothing would end the wait: a worker would be lost,
// and Run would not end.
func hear(err error) error {
	if err == nil {
		return nil
	}
	return &heardError{err, brief(err)}
}
